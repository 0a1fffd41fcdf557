"""The store of decoded pictures, as the catalog names it."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.errors import DataError
from ucu_mlops.images.shards import ShardStore


class ShardsDataset(AbstractDataset[ShardStore, ShardStore]):
    """Loads the store, empty before the first picture; what updated it saves it, in place.

    Example:
        ```yaml
        images.shards:
          type: ucu_mlops.datasets.shards.ShardsDataset
          filepath: ${globals:data_root}/02_intermediate/images/shards
        ```

    Args:
        filepath: The store's folder.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> ShardStore:
        """Open the store."""
        return ShardStore.open(self._folder)

    def save(self, data: ShardStore) -> None:
        """Take note: a store is updated where it lies.

        Raises:
            DataError: It lies elsewhere.
        """
        if data.folder != self._folder:
            raise DataError(f"the store at {data.folder} is not {self._folder}; update it in place")

    def _exists(self) -> bool:
        return self._folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}
