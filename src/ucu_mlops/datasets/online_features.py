"""The online features, as the catalog names them."""

from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.adapters.online_features import open_online
from ucu_mlops.features.online import Snapshot, WritableFeatures


class OnlineFeaturesDataset(AbstractDataset[Snapshot, WritableFeatures]):
    """Saving a snapshot publishes it, for all readers at once.

    Example:
        ```yaml
        online_features:
          type: ucu_mlops.datasets.online_features.OnlineFeaturesDataset
          address: ${globals:online}
        ```

    Args:
        address: As :func:`ucu_mlops.adapters.online_features.open_online` takes it.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, address: str, metadata: dict[str, Any] | None = None) -> None:
        self._address = address
        self.metadata = metadata

    def load(self) -> WritableFeatures:
        """Give the store."""
        return open_online(self._address)

    def save(self, data: Snapshot) -> None:
        """Publish the snapshot.

        Raises:
            OnlineFeaturesError: The store cannot be written, or somebody else publishes.
        """
        open_online(self._address).publish(data)

    def _describe(self) -> dict[str, Any]:
        return {"address": self._address}
