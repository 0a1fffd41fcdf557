"""A folder that a long node keeps its progress in."""

from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset

from ucu_mlops.errors import DataError


class FolderDataset(AbstractDataset[Never, Path]):
    """Loads the path of a folder, made if need be; saves nothing.

    Example:
        ```yaml
        images.checkpoints:
          type: ucu_mlops.datasets.folder.FolderDataset
          filepath: ${globals:data_root}/05_model_input/images/checkpoints
        ```

    Args:
        filepath: The folder.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """Make the folder, and give its path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def save(self, data: Never) -> None:
        """Refuse: who loads the path writes into the folder."""
        raise DataError(f"{self._folder} takes no {type(data).__name__}; write into it")

    def _exists(self) -> bool:
        return True  # a first run finds it empty

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}
