"""The champion of a model: the ledger says which version, the cache or the registry holds it."""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from ucu_mlops.adapters.mlflow_registry import MlflowRegistry, cached_folder
from ucu_mlops.bundle.store import Bundle, Draft, write_bundle
from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.release.ledger import Ledger

logger = logging.getLogger(__name__)

PROJECTED = ".projected"  # the ledger's revision that the registry's aliases repeat


@dataclass(frozen=True)
class Reign:
    """Where the champion of one model comes from.

    Attributes:
        model: The registered model's name.
        registry: Holds the versions; its aliases repeat the ledger.
        ledger: Says which version is champion.
        cache: Folder that keeps copies of versions under ``<model>/<version>``.
    """

    model: str
    registry: MlflowRegistry
    ledger: Ledger
    cache: Path

    def champion(self) -> Bundle:
        """Return the champion's bundle; the registry is not asked for what the cache holds.

        Raises:
            ReleaseError: There is no champion, or it cannot be fetched.
            BundleError: The registered bundle is damaged.
        """
        head = self.ledger.head(self.model)
        if head is None:
            raise ReleaseError(
                f"{self.model} has no champion;"
                f" run `kedro run --pipeline={self.model}_coldstart` first"
            )
        bundle = self.registry.fetch(self.model, head.to_version, self.cache)
        self.project()
        return bundle

    def project(self) -> None:
        """Let the registry's aliases repeat the ledger, once after each move.

        They are for people to look at. While the registry is away the ledger stays the truth,
        the champion can be used, and the next call tries again.
        """
        moves = self.ledger.moves(self.model)
        marker = self.cache / self.model / PROJECTED
        revision = str(moves[-1].revision) if moves else ""
        if not moves or (marker.exists() and marker.read_text() == revision):
            return
        try:
            self.reconcile()
        except ReleaseError as error:
            logger.warning("the aliases of %s are behind the ledger: %s", self.model, error)

    def reconcile(self) -> list[str]:
        """Compare the registry's aliases with the ledger, whoever changed them, and mend them.

        Returns:
            What differed, one sentence each.

        Raises:
            ReleaseError: The registry refused or cannot be reached.
        """
        moves = self.ledger.moves(self.model)
        if not moves:
            return []
        mended = self.registry.project(self.model, moves)
        marker = self.cache / self.model / PROJECTED
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(str(moves[-1].revision))
        return mended


def register_draft(registry: MlflowRegistry, model: str, draft: Draft, cache: Path) -> str:
    """Register a draft as a version of ``model`` and keep it in the cache; return the version."""
    if draft.manifest.model != model:
        raise ReleaseError(f"{model}: got a bundle of {draft.manifest.model}")
    with TemporaryDirectory() as scratch:
        bundle = write_bundle(draft, Path(scratch) / model)
        version = registry.register(bundle, model)
    write_bundle(draft, cached_folder(cache, model, version))
    return version


def parsed_day(as_of: str | date | None) -> date | None:
    """Read the day at whose end moves count as made; None leaves it to the clock."""
    if as_of is None or isinstance(as_of, date):
        return as_of
    try:
        return date.fromisoformat(as_of)
    except ValueError as error:
        raise ConfigurationError(
            f"as_of must be a date such as 2026-03-31, got {as_of!r}"
        ) from error


def moment(as_of: date | None) -> datetime:
    """Return the end of the day (UTC), or now."""
    if as_of is None:
        return datetime.now(UTC)
    return datetime.combine(as_of + timedelta(days=1), time.min, UTC)
