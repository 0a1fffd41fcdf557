"""Which version is to be served, and where its bundle is: the ledger's, or the one of a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ucu_mlops.adapters.bundle_folder import fetch_folder
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.store import Bundle, read_bundle
from ucu_mlops.experiments.definition import CHAMPION, PREVIOUS
from ucu_mlops.release.ledger import champions
from ucu_mlops.serving.settings import Places

BEHIND = {CHAMPION: 1, PREVIOUS: 2}  # places from the ledger's end


class Source(Protocol):
    """Says which version is to be served."""

    def wanted(self) -> str | None:
        """Name the version that is to be served; None while there is none.

        Raises:
            ReleaseError: It cannot be found out.
        """
        ...

    def fetch(self, version: str) -> Bundle:
        """Bring a version's bundle here, checked.

        Raises:
            BundleError: It is damaged.
            ReleaseError: It cannot be had.
        """
        ...


@dataclass(frozen=True)
class LedgerSource:
    """What the ledger says; the bundle from the cache, or from MLflow.

    Attributes:
        model: The model.
        ledger: Says who is champion.
        registry: Holds the bundles.
        cache: Folder that keeps copies.
        which: ``champion``, ``previous`` or a version's number.
    """

    model: str
    ledger: SqliteLedger
    registry: MlflowRegistry
    cache: Path
    which: str = CHAMPION

    def wanted(self) -> str | None:
        """Name the version."""
        if self.which not in BEHIND:
            return self.which
        standing = champions(self.ledger.moves(self.model))
        behind = BEHIND[self.which]
        return standing[-behind] if len(standing) >= behind else None

    def fetch(self, version: str) -> Bundle:
        """Take it from the cache, or from MLflow."""
        return self.registry.fetch(self.model, version, self.cache)


@dataclass(frozen=True)
class FolderSource:
    """The one bundle of a folder or URI, as Vertex AI Prediction names it.

    Attributes:
        uri: Where it lies.
        cache: Folder for a copy.
        version: What it is called; None: as its folder is.
        download: Copies a folder.
    """

    uri: str
    cache: Path
    version: str | None = None
    download: Callable[[str, Path], None] = fetch_folder

    def wanted(self) -> str:
        """Name it as told, or by where it lies: another version is another container."""
        return self.version or self.uri.rstrip("/").rpartition("/")[2]

    def fetch(self, version: str) -> Bundle:
        """Copy it here and check it."""
        folder = self.cache / version
        self.download(self.uri, folder)
        return read_bundle(folder, version)


def source_of(model: str, places: Places, which: str = CHAMPION) -> Source:
    """Open what the settings name, or another version for an experiment."""
    cache = Path(places.bundles)
    if places.storage is not None:
        return FolderSource(places.storage, cache / "storage", places.version)
    ledger, registry = SqliteLedger(places.ledger), MlflowRegistry(places.tracking_uri)
    return LedgerSource(model, ledger, registry, cache, which)
