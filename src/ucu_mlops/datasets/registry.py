"""Challenger, first champion and champion of a model, as the catalog names them."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.adapters.mlflow_registry import CHALLENGER, MlflowRegistry
from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.reign import Reign, moment, parsed_day, register_draft
from ucu_mlops.errors import ReleaseError
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.moves import Proposal, cold_start, promote


class ChallengerDataset(AbstractDataset[Draft, Bundle]):
    """Saving registers a version and makes it the challenger; loading gives the challenger.

    A bundle of equal content is not registered twice. It is logged under the active MLflow run.

    Example:
        ```yaml
        "{model}.challenger":
          type: ucu_mlops.datasets.registry.ChallengerDataset
          model: "{model}"
          tracking_uri: ${globals:tracking_uri}
          artifacts: ${globals:artifacts}
          cache: ${globals:bundles}
        ```

    Args:
        model: The registered model's name.
        tracking_uri: MLflow's store.
        cache: Folder that keeps copies of fetched versions.
        artifacts: Where MLflow keeps artifacts of runs that are made here.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(
        self,
        *,
        model: str,
        tracking_uri: str,
        cache: str,
        artifacts: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._model = model
        self._cache = Path(cache)
        self._registry = MlflowRegistry(tracking_uri, artifacts)
        self.metadata = metadata

    def load(self) -> Bundle:
        """Fetch the challenger, checked.

        Raises:
            ReleaseError: There is none, or MLflow cannot be reached.
            BundleError: The registered bundle is damaged.
        """
        version = self._registry.version_of(self._model, CHALLENGER)
        if version is None:
            raise ReleaseError(
                f"{self._model} has no challenger;"
                f" run `kedro run --pipeline={self._model}_training` first"
            )
        return self._registry.fetch(self._model, version, self._cache)

    def save(self, data: Draft) -> None:
        """Register the draft and make it the challenger."""
        version = register_draft(self._registry, self._model, data, self._cache)
        self._registry.challenge(self._model, version)

    def _exists(self) -> bool:
        return self._registry.version_of(self._model, CHALLENGER) is not None

    def _describe(self) -> dict[str, Any]:
        return {"model": self._model}


class ColdStartDataset(AbstractDataset[Draft, Bundle]):
    """Saving makes the first champion where there is none yet; loading gives the champion.

    Where there is a champion a save changes nothing, so a pipeline that writes the first one
    may run again.

    Example:
        ```yaml
        "{model}.incumbent":
          type: ucu_mlops.datasets.registry.ColdStartDataset
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
        ledger: The ledger's SQLite file, or its ``gs://BUCKET/FOLDER``.
        artifacts: Where MLflow keeps artifacts of runs that are made here.
        as_of: The day at whose end (UTC) a move counts as made; without it the clock says when.
        who: Who moves, for the ledger.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(  # noqa: PLR0913 (the keys of a catalog entry)
        self,
        *,
        model: str,
        tracking_uri: str,
        cache: str,
        ledger: str,
        artifacts: str | None = None,
        as_of: str | date | None = None,
        who: str = "pipeline",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._reign = Reign(
            model, MlflowRegistry(tracking_uri, artifacts), open_ledger(ledger), Path(cache)
        )
        self._as_of = parsed_day(as_of)
        self._who = who
        self.metadata = metadata

    def load(self) -> Bundle:
        """Return the champion's bundle, from the cache if it lies there.

        Raises:
            ReleaseError: There is no champion, or it cannot be fetched.
            BundleError: The registered bundle is damaged.
        """
        return self._reign.champion()

    def save(self, data: Draft) -> None:
        """Register the draft and make it champion, if the model has none."""
        reign = self._reign
        if reign.ledger.head(reign.model) is None:
            version = register_draft(reign.registry, reign.model, data, reign.cache)
            why = "the first champion"
            at = moment(self._as_of)
            cold_start(reign.ledger, reign.model, version, who=self._who, why=why, at=at)
        reign.project()

    def _exists(self) -> bool:
        return self._reign.ledger.head(self._reign.model) is not None

    def _describe(self) -> dict[str, Any]:
        return {"model": self._reign.model}


class ChampionDataset(AbstractDataset[Proposal, Bundle]):
    """Saving moves the ledger as proposed; loading gives the version in charge of the day.

    That is the champion, unless the day was scored before: then it is the version that scored it,
    so that a day played again leaves what moderators were shown. A promotion saved in the same run
    comes first.

    Example:
        ```yaml
        "{model}.champion":
          type: ucu_mlops.datasets.registry.ChampionDataset
          model: "{model}"
          tracking_uri: ${globals:tracking_uri}
          artifacts: ${globals:artifacts}
          cache: ${globals:bundles}
          ledger: ${globals:ledger}
          as_of: ${runtime_params:as_of, ${globals:as_of}}
          scores: {connection: ${globals:warehouse}, table: scores}
        ```

    Args:
        model: The registered model's name.
        tracking_uri: MLflow's store.
        cache: Folder that keeps copies of fetched versions.
        ledger: The ledger's SQLite file, or its ``gs://BUCKET/FOLDER``.
        artifacts: Where MLflow keeps artifacts of runs that are made here.
        as_of: The day at whose end (UTC) a move counts as made; without it the clock says when.
        scores: ``connection`` and ``table`` of the scores that tell who scored the day.
        who: Who moves, for the ledger.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(  # noqa: PLR0913 (the keys of a catalog entry)
        self,
        *,
        model: str,
        tracking_uri: str,
        cache: str,
        ledger: str,
        artifacts: str | None = None,
        as_of: str | date | None = None,
        scores: Mapping[str, Any] | None = None,
        who: str = "pipeline",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._reign = Reign(
            model, MlflowRegistry(tracking_uri, artifacts), open_ledger(ledger), Path(cache)
        )
        self._as_of = parsed_day(as_of)
        self._scores = scores
        self._promoted = False
        self._who = who
        self.metadata = metadata

    def load(self) -> Bundle:
        """Return the bundle in charge of the day, from the cache if it lies there.

        Raises:
            ReleaseError: There is no champion, or it cannot be fetched.
            BundleError: The registered bundle is damaged.
        """
        scored_by = None if self._promoted else self._scored_by()
        if scored_by is None:
            return self._reign.champion()
        return self._reign.registry.fetch(self._reign.model, scored_by, self._reign.cache)

    def save(self, data: Proposal) -> None:
        """Append the promotion that is proposed; a proposal to keep moves nothing.

        Raises:
            ReleaseError: The proposal is another model's.
            BundleError: The proposed version is damaged; nothing was moved.
            StaleRevisionError: Somebody else moved at the same moment.
        """
        reign = self._reign
        if data.model != reign.model:
            raise ReleaseError(f"{reign.model}: got a proposal for {data.model}")
        if data.action == "promote":
            reign.registry.fetch(reign.model, data.version, reign.cache)
            promote(reign.ledger, data, self._who, moment(self._as_of))
            self._promoted = True
        reign.project()

    def _scored_by(self) -> str | None:
        if self._scores is None or self._as_of is None:
            return None
        connection = warehouse.connect(self._scores["connection"])
        if self._scores["table"] not in connection.list_tables():
            return None
        scores = connection.table(self._scores["table"])
        own = scores.filter(scores["model"] == self._reign.model, scores["as_of"] == self._as_of)
        versions = own.select("version").distinct().to_pyarrow()["version"].to_pylist()
        return versions[0] if versions else None

    def _exists(self) -> bool:
        return self._reign.ledger.head(self._reign.model) is not None

    def _describe(self) -> dict[str, Any]:
        return {"model": self._reign.model}


class LedgerDataset(AbstractDataset[None, list[Move]]):
    """Loading gives all moves of a model, oldest first; only releases add to them.

    Example:
        ```yaml
        "{model}.moves":
          type: ucu_mlops.datasets.registry.LedgerDataset
          model: "{model}"
          ledger: ${globals:ledger}
        ```

    Args:
        model: The registered model's name.
        ledger: The ledger's SQLite file, or its ``gs://BUCKET/FOLDER``.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, model: str, ledger: str, metadata: dict[str, Any] | None = None) -> None:
        self._model = model
        self._ledger = open_ledger(ledger)
        self.metadata = metadata

    def load(self) -> list[Move]:
        """Read the moves."""
        return self._ledger.moves(self._model)

    def save(self, data: None) -> None:
        """Refuse: a move is made by a release.

        Raises:
            ReleaseError: Always.
        """
        raise ReleaseError(f"the ledger of {self._model} is moved by releases only, not by {data}")

    def _describe(self) -> dict[str, Any]:
        return {"model": self._model}
