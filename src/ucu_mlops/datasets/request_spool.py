"""A model's spool of answered requests, as the catalog names it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.adapters.request_spool import RequestSpool, SpoolFile


class RequestSpoolDataset(AbstractDataset[Sequence[SpoolFile], RequestSpool]):
    """Loads the spool; saving files that are stored puts those aside that nobody writes any more.

    Example:
        ```yaml
        "{model}.spool":
          type: ucu_mlops.datasets.request_spool.RequestSpoolDataset
          model: "{model}"
          folder: ${globals:spool}/{model}
        ```

    Args:
        model: Whose answers they are.
        folder: The model's folder on this machine; there may be none yet.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, model: str, folder: str, metadata: dict[str, Any] | None = None) -> None:
        self._spool = RequestSpool(model, Path(folder))
        self.metadata = metadata

    def load(self) -> RequestSpool:
        """Give the spool; its files are read when somebody asks for their lines."""
        return self._spool

    def save(self, data: Sequence[SpoolFile]) -> None:
        """Put the finished ones among ``data`` aside; the others are read again."""
        self._spool.retire(data)

    def _exists(self) -> bool:
        return self._spool.folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._spool.folder)}
