"""A model bundle as a folder that the catalog names."""

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.bundle.store import MANIFEST, Bundle, Draft, read_bundle, write_bundle
from ucu_mlops.datasets import remote
from ucu_mlops.errors import BundleError


class BundleDataset(AbstractDataset[Draft, Bundle]):
    """Saves a draft into a folder, all or nothing; loads the bundle after checking it.

    In Cloud Storage the manifest is written last: who reads in between is told that the bundle
    is damaged, and reads again.

    Example:
        ```yaml
        scam.candidate:
          type: ucu_mlops.datasets.bundle.BundleDataset
          filepath: ${globals:data_root}/06_models/scam/candidate
        ```

    Args:
        filepath: The folder, or ``gs://BUCKET/FOLDER``.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._address = filepath
        self.metadata = metadata
        self._remote = remote.is_remote(filepath)
        # A bundle reads its files while it is used: the copy lives as long as this process.
        self._folder = _scratch() / "bundle" if self._remote else Path(filepath)

    def load(self) -> Bundle:
        """Open the bundle.

        Raises:
            BundleError: It is missing, damaged or of another schema version.
        """
        if self._remote:
            if not self._exists():
                raise BundleError(f"{self._address} is missing; train or fetch the bundle again")
            shutil.rmtree(self._folder, ignore_errors=True)
            remote.fetch_folder(self._address, self._folder)
        return read_bundle(self._folder)

    def save(self, data: Draft) -> None:
        """Write the draft in place of what is there."""
        write_bundle(data, self._folder)
        if self._remote:
            remote.publish_folder(self._folder, self._address, last=MANIFEST)

    def _exists(self) -> bool:
        if self._remote:
            return remote.exists(f"{self._address}/{MANIFEST}")
        return (self._folder / MANIFEST).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address}


def _scratch() -> Path:
    folder = mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
