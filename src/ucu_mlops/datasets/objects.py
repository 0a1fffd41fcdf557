"""Objects below a folder or a bucket's prefix."""

from collections.abc import Mapping
from typing import Any

import fsspec
from kedro.io import AbstractDataset


class ObjectsDataset(AbstractDataset[Mapping[str, bytes], list[str]]):
    """Saves objects beside those that are there; loads their names.

    Example:
        ```yaml
        image_objects:
          type: ucu_mlops.datasets.objects.ObjectsDataset
          filepath: ${globals:data_root}/01_raw/images/objects
        ```

    Args:
        filepath: The folder, or any place that fsspec knows.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> list[str]:
        """List the objects, sorted."""
        store, root = fsspec.url_to_fs(self._filepath)
        return sorted(store.find(root))

    def save(self, data: Mapping[str, bytes]) -> None:
        """Write the objects; one of the same name is replaced."""
        store, root = fsspec.url_to_fs(self._filepath)
        for parent in sorted({name.rpartition("/")[0] for name in data}):
            store.makedirs(f"{root}/{parent}", exist_ok=True)
        for name, content in data.items():
            store.pipe_file(f"{root}/{name}", content)

    def _exists(self) -> bool:
        store, root = fsspec.url_to_fs(self._filepath)
        return bool(store.exists(root))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
