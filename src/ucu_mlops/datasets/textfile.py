"""A text file that is never half written: its readers see the old one or the new one."""

import logging
import os
from datetime import date
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.datasets import remote
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
        filepath: The file, whose folder is made, or ``gs://BUCKET/NAME``.
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
        folder, _, name = filepath.rpartition("/")
        self._address = filepath
        self._day_address = f"{folder}/.{name}.as_of" if folder else f".{name}.as_of"
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
        text = _read(self._address)
        if text is None:
            raise DataError(f"{self._address} is not there; run the pipeline that writes it first")
        return text

    def save(self, data: str) -> None:
        """Put ``data`` in the file's place, unless that tells a newer day."""
        if self._as_of is not None:
            told = self._told()
            if told is not None and told > self._as_of:
                logger.info("%s tells %s: %s is older", self._address, told, self._as_of)
                return
            _replace(self._day_address, self._as_of.isoformat())
        _replace(self._address, data)

    def _told(self) -> date | None:
        """Read which day the file tells; None where that is unknown."""
        try:
            return date.fromisoformat((_read(self._day_address) or "").strip())
        except ValueError:
            return None

    def _exists(self) -> bool:
        return _read(self._address) is not None

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address}


def _read(address: str) -> str | None:
    if remote.is_remote(address):
        return remote.read_text(address) if remote.exists(address) else None
    path = Path(address)
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _replace(address: str, text: str) -> None:
    if remote.is_remote(address):
        remote.write_text(address, text)
        return
    path = Path(address)
    path.parent.mkdir(parents=True, exist_ok=True)
    beginning = path.with_name(f".{path.name}.{os.getpid()}")
    beginning.write_text(text, encoding="utf-8")
    beginning.replace(path)
