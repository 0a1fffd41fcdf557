"""A model bundle as a folder that the catalog names."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.bundle.store import MANIFEST, Bundle, Draft, read_bundle, write_bundle
from ucu_mlops.datasets import remote


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
        # A bundle reads its files while it is used: the copy lives as long as this dataset.
        self._scratch = TemporaryDirectory() if remote.is_remote(filepath) else None
        self._folder = Path(self._scratch.name) / "bundle" if self._scratch else Path(filepath)

    def load(self) -> Bundle:
        """Open the bundle.

        Raises:
            BundleError: It is missing, damaged or of another schema version.
        """
        if self._scratch:
            shutil.rmtree(self._folder, ignore_errors=True)
            remote.fetch_folder(self._address, self._folder)
        return read_bundle(self._folder)

    def save(self, data: Draft) -> None:
        """Write the draft in place of what is there."""
        write_bundle(data, self._folder)
        if self._scratch:
            remote.publish_folder(self._folder, self._address, last=MANIFEST)

    def _exists(self) -> bool:
        if self._scratch:
            return remote.exists(f"{self._address}/{MANIFEST}")
        return (self._folder / MANIFEST).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address}
