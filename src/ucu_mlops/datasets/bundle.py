"""A model bundle as a folder that the catalog names."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.bundle.store import MANIFEST, Bundle, Draft, read_bundle, write_bundle


class BundleDataset(AbstractDataset[Draft, Bundle]):
    """Saves a draft into a folder, all or nothing; loads the bundle after checking it.

    Example:
        ```yaml
        scam.candidate:
          type: ucu_mlops.datasets.bundle.BundleDataset
          filepath: ${globals:data_root}/06_models/scam/candidate
        ```

    Args:
        filepath: The folder.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> Bundle:
        """Open the bundle.

        Raises:
            BundleError: It is missing, damaged or of another schema version.
        """
        return read_bundle(self._folder)

    def save(self, data: Draft) -> None:
        """Write the draft in place of what is there."""
        write_bundle(data, self._folder)

    def _exists(self) -> bool:
        return (self._folder / MANIFEST).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}
