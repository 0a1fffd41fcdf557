"""Whom training tells how it goes."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

LOGGER = logging.getLogger(__name__)


class Reporter(Protocol):
    """Listens to a training."""

    def begin(
        self, identity: str, step: int, options: Mapping[str, Any], hardware: Mapping[str, Any]
    ) -> None:
        """Hear that a training begins, or goes on where it was killed.

        Args:
            identity: The same for each call that is to end with the same network.
            step: Steps done before; 0 where it begins.
            options: All that was chosen: section → key → value.
            hardware: What it runs on.
        """

    def progress(self, facts: Mapping[str, float]) -> None:
        """Hear of ``step``, ``steps``, ``loss``, ``learning_rate``, ``images_per_second``, ``seconds_left``."""

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Hear of an epoch's end: ``epoch``, ``step``, ``loss``, ``score``, ``learning_rate``, ``images_per_second``."""

    def say(self, sentence: str) -> None:
        """Hear what a person should know."""

    def end(self, hardware: Mapping[str, Any]) -> None:
        """Hear that it is over, and what it ran on in the end: memory may have become too little."""


class LogReporter:
    """Writes it to the log."""

    def begin(
        self,
        identity: str,
        step: int,
        options: Mapping[str, Any],  # noqa: ARG002 (the configuration shows them)
        hardware: Mapping[str, Any],
    ) -> None:
        """Log what begins."""
        LOGGER.info("training %s begins at step %d on %s", identity[:12], step, _listed(hardware))

    def progress(self, facts: Mapping[str, float]) -> None:
        """Log a step."""
        LOGGER.info(
            "step %d of %d: loss %.4f, %.0f images/s, %.0f s left",
            facts["step"],
            facts["steps"],
            facts["loss"],
            facts["images_per_second"],
            facts["seconds_left"],
        )

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Log an epoch."""
        LOGGER.info("epoch: %s", ", ".join(f"{key} {value:.4g}" for key, value in facts.items()))

    def say(self, sentence: str) -> None:
        """Log a sentence."""
        LOGGER.warning(sentence)

    def end(self, hardware: Mapping[str, Any]) -> None:
        """Log what it ran on."""
        LOGGER.info("training is over: %s", _listed(hardware))


class Reporters:
    """Tells several.

    Args:
        each: Whom.
    """

    def __init__(self, *each: Reporter) -> None:
        self._each = each

    def begin(
        self, identity: str, step: int, options: Mapping[str, Any], hardware: Mapping[str, Any]
    ) -> None:
        """Tell all that training begins."""
        for each in self._each:
            each.begin(identity, step, options, hardware)

    def progress(self, facts: Mapping[str, float]) -> None:
        """Tell all of a step."""
        for each in self._each:
            each.progress(facts)

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Tell all of an epoch."""
        for each in self._each:
            each.epoch(facts)

    def say(self, sentence: str) -> None:
        """Tell all a sentence."""
        for each in self._each:
            each.say(sentence)

    def end(self, hardware: Mapping[str, Any]) -> None:
        """Tell all that it is over."""
        for each in self._each:
            each.end(hardware)


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())
