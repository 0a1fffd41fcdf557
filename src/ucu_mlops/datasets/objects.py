"""Objects of a store by name: images as their users sent them, whatever they are."""

from collections.abc import Mapping
from typing import Any

import fsspec
from kedro.io import AbstractDataset


class ObjectsDataset(AbstractDataset[Mapping[str, bytes], list[str]]):
    """Writes bytes below a folder of any store that fsspec knows; loads their names.

    Objects of other names stay: a day adds its own.

    Example:
        ```yaml
        image_objects:
          type: ucu_mlops.datasets.objects.ObjectsDataset
          filepath: ${globals:data_root}/01_raw/images/objects
        ```

    Args:
        filepath: The folder, a path or URL.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> list[str]:
        """List the names of all objects below the folder, sorted; none is a valid answer."""
        store, root = fsspec.url_to_fs(self._filepath)
        root = root.rstrip("/")
        return sorted(path.removeprefix(f"{root}/") for path in store.find(root))

    def save(self, data: Mapping[str, bytes]) -> None:
        """Write each object under its name; one of the same name is replaced."""
        store, root = fsspec.url_to_fs(self._filepath)
        for parent in sorted({name.rpartition("/")[0] for name in data}):
            store.makedirs(f"{root}/{parent}", exist_ok=True)
        for name, content in data.items():
            store.pipe_file(f"{root}/{name}", content)

    def _exists(self) -> bool:
        return bool(self.load())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
