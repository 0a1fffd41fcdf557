"""The end of a new version's trial, as the catalog names it: saving what was found acts on it."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.datasets.opening import open_version
from ucu_mlops.datasets.reign import Reign, moment, parsed_day
from ucu_mlops.errors import BundleError, ReleaseError
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.probation import end_trial

logger = logging.getLogger(__name__)


class TrialDataset(AbstractDataset[dict[str, Any], Move | None]):
    """Saving a trial's finding rolls a version back that failed; loading gives the last move.

    Example:
        ```yaml
        "{model}.trial":
          type: ucu_mlops.datasets.trial.TrialDataset
          model: "{model}"
          tracking_uri: ${globals:tracking_uri}
          artifacts: ${globals:artifacts}
          cache: ${globals:bundles}
          ledger: ${globals:ledger}
          as_of: ${runtime_params:as_of, ${globals:as_of}}
        ```

    Args:
        model: The registered model's name.
        tracking_uri: MLflow's store.
        cache: Folder that keeps copies of fetched versions.
        ledger: The ledger's SQLite file.
        artifacts: Where MLflow keeps artifacts of runs that are made here.
        as_of: The day at whose end (UTC) the move counts as made; without it the clock says when.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(
        self,
        *,
        model: str,
        tracking_uri: str,
        cache: str,
        ledger: str,
        artifacts: str | None = None,
        as_of: str | date | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._reign = Reign(
            model, MlflowRegistry(tracking_uri, artifacts), open_ledger(ledger), Path(cache)
        )
        self._as_of = parsed_day(as_of)
        self.metadata = metadata

    def load(self) -> Move | None:
        """Return the model's last move."""
        return self._reign.ledger.head(self._reign.model)

    def save(self, data: dict[str, Any]) -> None:
        """Roll back what failed, unless somebody has moved since it was found.

        A predecessor that does not load, and a move at the same moment, are told and stop
        nothing: the day goes on with the version there is, and a person must look.
        """
        reign = self._reign
        try:
            move = end_trial(reign.ledger, reign.model, data, moment(self._as_of), loads=self._open)
        except (BundleError, ReleaseError) as error:
            logger.error(  # noqa: TRY400 (one line; the cause is in it)
                "%s failed its trial and was not rolled back: %s", reign.model, error
            )
            return
        if move is not None:
            logger.warning(
                "%s is rolled back: version %s to %s",
                *(reign.model, move.from_version, move.to_version),
            )
            reign.project()

    def _open(self, version: str) -> object:
        reign = self._reign
        return open_version(reign.registry.fetch(reign.model, version, reign.cache))

    def _describe(self) -> dict[str, Any]:
        return {"model": self._reign.model}
