"""Whom training tells how it goes."""

import logging
from collections.abc import Mapping
from typing import Protocol

LOGGER = logging.getLogger(__name__)


class Reporter(Protocol):
    """Listens to a training."""

    def progress(self, facts: Mapping[str, float]) -> None:
        """Hear of ``step``, ``steps``, ``loss``, ``images_per_second`` and ``seconds_left``."""

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Hear of an epoch's end: ``epoch``, ``loss``, validation's figures, ``learning_rate``."""

    def say(self, sentence: str) -> None:
        """Hear what a person should know."""


class LogReporter:
    """Writes it to the log."""

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


class Reporters:
    """Tells several.

    Args:
        each: Whom.
    """

    def __init__(self, *each: Reporter) -> None:
        self._each = each

    def progress(self, facts: Mapping[str, float]) -> None:
        """Tell all of a step."""
        for one in self._each:
            one.progress(facts)

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Tell all of an epoch."""
        for one in self._each:
            one.epoch(facts)

    def say(self, sentence: str) -> None:
        """Tell all a sentence."""
        for one in self._each:
            one.say(sentence)
