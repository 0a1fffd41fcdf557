"""A training's curves in MLflow while it learns, on the run that is active."""

import logging
from collections.abc import Mapping

logger = logging.getLogger(__name__)

CURVES = ("loss", "score", "learning_rate", "images_per_second")


class MlflowCurves:
    """Adds a point to each curve after each epoch; where no run is active, nothing.

    A training does not end because nobody can look: what MLflow does not take is said in the log.

    Args:
        prefix: Before the curves' names, such as ``images.training``.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def progress(self, facts: Mapping[str, float]) -> None:
        """Leave it to the log."""

    def epoch(self, facts: Mapping[str, float]) -> None:
        """Add ``loss``, ``score``, ``learning_rate`` and ``images_per_second`` at the epoch."""
        import mlflow  # noqa: PLC0415 (seconds; not needed before a training's first epoch ends)
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 (as above)

        run = mlflow.active_run()
        if run is None:
            return
        points = {f"{self._prefix}.{name}": facts[name] for name in CURVES}
        try:
            mlflow.log_metrics(points, step=int(facts["epoch"]), run_id=run.info.run_id)
        except MlflowException as error:
            logger.warning("the curves of epoch %d are not in MLflow: %s", facts["epoch"], error)

    def say(self, sentence: str) -> None:
        """Leave it to the log."""
