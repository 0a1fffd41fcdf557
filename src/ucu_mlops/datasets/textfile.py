"""A text file that is never half written: its readers see the old one or the new one."""

import os
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.errors import DataError


class TextfileDataset(AbstractDataset[str, str]):
    """Saves text beside the file and then puts it in its place, in one step.

    Prometheus' node exporter reads whenever it likes, and a browser reloads.

    Example:
        ```yaml
        scam.exposition:
          type: ucu_mlops.datasets.textfile.TextfileDataset
          filepath: ${globals:data_root}/08_reporting/scam/metrics.prom
        ```

    Args:
        filepath: The file; its folder is made.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> str:
        """Read the file.

        Raises:
            DataError: There is none.
        """
        if not self._exists():
            raise DataError(f"{self._path} is not there; run the pipeline that writes it first")
        return self._path.read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Put ``data`` in the file's place."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beginning = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        beginning.write_text(data, encoding="utf-8")
        beginning.replace(self._path)

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
