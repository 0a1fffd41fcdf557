"""A text file that is never half written: its readers see the old one or the new one."""

import logging
import os
from datetime import date
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.errors import ConfigurationError, DataError

logger = logging.getLogger(__name__)


class TextfileDataset(AbstractDataset[str, str]):
    """Saves text beside the file and then puts it in its place, in one step.

    Prometheus' node exporter reads whenever it likes, and a browser reloads. With ``as_of`` the
    file tells how things are now: an older day that is played again leaves it as it is.

    Example:
        ```yaml
        scam.exposition:
          type: ucu_mlops.datasets.textfile.TextfileDataset
          filepath: ${globals:data_root}/08_reporting/scam/metrics.prom
          as_of: ${runtime_params:as_of, ${globals:as_of}}
        ```

    Args:
        filepath: The file; its folder is made.
        as_of: The day that is told; beside the file a hidden one says of which day it is. Without
            it every text is the newest.
        metadata: Kedro ignores it; plugins read it.

    Raises:
        ConfigurationError: ``as_of`` is no ISO date.
    """

    def __init__(
        self,
        *,
        filepath: str,
        as_of: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._path = Path(filepath)
        self._day_path = self._path.with_name(f".{self._path.name}.as_of")
        try:
            self._as_of = None if as_of is None else date.fromisoformat(str(as_of))
        except ValueError:
            raise ConfigurationError(
                f"as_of of {filepath} must be a day such as 2026-03-31, got {as_of!r}"
            ) from None
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
        """Put ``data`` in the file's place, unless that tells a newer day."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._as_of is not None:
            told = self._told()
            if told is not None and told > self._as_of:
                logger.info("%s tells %s: %s is older", self._path, told, self._as_of)
                return
            self._replace(self._day_path, self._as_of.isoformat())
        self._replace(self._path, data)

    def _told(self) -> date | None:
        """Read which day the file tells; None where that is unknown."""
        if not self._day_path.is_file():
            return None
        try:
            return date.fromisoformat(self._day_path.read_text(encoding="utf-8").strip())
        except ValueError:
            return None

    def _replace(self, path: Path, text: str) -> None:
        beginning = path.with_name(f".{path.name}.{os.getpid()}")
        beginning.write_text(text, encoding="utf-8")
        beginning.replace(path)

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
