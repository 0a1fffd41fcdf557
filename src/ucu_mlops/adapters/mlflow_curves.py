"""A training's curves in MLflow while it learns; one that was killed goes on in its own run.

begin → run (found by the training's identity where it goes on) → points → end
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ucu_mlops.adapters.mlflow_places import absolute
from ucu_mlops.errors import TrackingError

logger = logging.getLogger(__name__)

IDENTITY, PARENT = "ucu_mlops.training", "mlflow.parentRunId"
CURVES = ("loss", "score", "learning_rate", "images_per_second")
AT_ONCE = 500  # points; MLflow takes 1,000 in one call


class MlflowCurves:
    """Logs what a training reports: curves over steps, options as params, hardware as tags.

    Its run is a child of the run that is active, so that several trainings of one pipeline stay
    apart, and the one that goes on after a kill, under another parent, keeps its curves. Points
    that MLflow does not take wait until it does: a training does not end because nobody can look.

    Args:
        tracking_uri: MLflow's store, such as ``sqlite:///data/06_models/mlflow.db``.
        experiment: Where a run without a parent goes.
        artifacts: Folder or URI for the artifacts of an experiment that is made here.
    """

    def __init__(self, tracking_uri: str, experiment: str, artifacts: str | None = None) -> None:
        self._uri, self._experiment, self._artifacts = tracking_uri, experiment, artifacts
        self._run = ""
        self._last: dict[str, int] = {}
        self._waiting: list[Any] = []

    def begin(
        self, identity: str, step: int, options: Mapping[str, Any], hardware: Mapping[str, Any]
    ) -> None:
        """Make a run, or find the one that goes on, and write down what is trained on what.

        Raises:
            TrackingError: MLflow refused or cannot be reached.
        """
        with self._asking("begin a training's run"):
            parent = self._parent()
            place = parent.info.experiment_id if parent else self._place()
            found = self._unfinished(identity, place) if step else None
            self._run = found or self._made(identity, place, parent)
            self._client.set_terminated(self._run, "RUNNING")
            self._last = {name: self._last_step(name) for name in CURVES} if found else {}
            flat = {
                f"{section}.{key}": value
                for section, chosen in options.items()
                for key, value in chosen.items()
            }
            self._describe(params=flat, tags=hardware)

    def progress(self, facts: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        self._add(facts)

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Add a point to each curve, validation's too."""
        self._add(facts)

    def say(self, sentence: str) -> None:
        """Leave it to the log."""

    def end(self, hardware: Mapping[str, Any]) -> None:
        """Close the run.

        Raises:
            TrackingError: MLflow refused or cannot be reached; the network is trained all the same,
                and a second call goes on from its last state.
        """
        with self._asking("end a training's run"):
            self._describe(params={}, tags=hardware)
            self._client.log_batch(self._run, metrics=self._waiting[:AT_ONCE])
            self._client.set_terminated(self._run)

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient  # noqa: PLC0415 (seconds; the first report needs it)

        return MlflowClient(tracking_uri=self._uri)
