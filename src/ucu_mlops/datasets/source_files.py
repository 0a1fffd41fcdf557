"""A folder of foreign files, read where they lie: a public data set, a customer's export."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never

import duckdb
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from kedro.io import AbstractDataset

from ucu_mlops.datasets import warehouse
from ucu_mlops.errors import ConfigurationError, DataError

SUFFIXES = (".parquet", ".csv")


class SourceFilesDataset(AbstractDataset[Never, dict[str, ir.Table]]):
    """Loads a dictionary from name to lazy table over Parquet and CSV files; saves nothing.

    The tables belong to the warehouse's connection, so they join with the warehouse's own.

    Example:
        ```yaml
        source_tables:
          type: ucu_mlops.datasets.source_files.SourceFilesDataset
          connection: ${globals:warehouse}
          folder: ${runtime_params:source_dir}
          files: {events: events.parquet, accounts: accounts.csv}
        ```

    Args:
        folder: Where the files lie; the data set never writes there.
        files: File names, relative to ``folder``, by table name; a ``*`` in one takes several
            files of the same columns.
        connection: The warehouse whose engine reads them.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(
        self,
        *,
        folder: str,
        files: Mapping[str, str],
        connection: Mapping[str, Any],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        for name, file in files.items():
            if Path(file).suffix not in SUFFIXES:
                raise ConfigurationError(f"files.{name} must end in one of {SUFFIXES}, got {file}")
        self._folder = Path(folder)
        self._files = dict(files)
        self._connection = dict(connection)
        self.metadata = metadata

    def load(self) -> dict[str, ir.Table]:
        """Return every file as a lazy table, one row per row of the file.

        Raises:
            DataError: The folder or a file is missing or cannot be read.
        """
        if not self._folder.is_dir():
            raise DataError(
                f"folder {self._folder} is missing; name one that exists with"
                " --params=source_dir=FOLDER (kedro features: --source-dir=FOLDER)"
            )
        missing = [file for file in self._files.values() if not self._matches(file)]
        if missing:
            raise DataError(f"folder {self._folder} has no {missing}; put them there")
        connection = warehouse.connect(self._connection)
        return {name: self._table(connection, name, file) for name, file in self._files.items()}

    def save(self, data: Never) -> None:
        """Refuse: the files belong to somebody else."""
        raise DataError(f"folder {self._folder} is only read; save {type(data).__name__} elsewhere")

    def _table(self, connection: Backend, name: str, file: str) -> ir.Table:
        read = connection.read_csv if file.endswith(".csv") else connection.read_parquet
        try:
            return read(str(self._folder / file), table_name=f"source_{name}")
        except duckdb.Error as error:
            raise DataError(
                f"file {self._folder / file} cannot be read: {warehouse.first_line(error)}"
            ) from error

    def _matches(self, file: str) -> bool:
        return any(self._folder.glob(file))

    def _exists(self) -> bool:
        return self._folder.is_dir() and all(map(self._matches, self._files.values()))

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder), "files": self._files}


class SourceFileDataset(AbstractDataset[Never, ir.Table]):
    """Loads one foreign file as a lazy table; saves nothing.

    Example:
        ```yaml
        scam.labels:
          type: ucu_mlops.datasets.source_files.SourceFileDataset
          connection: ${globals:warehouse}
          folder: ${runtime_params:source_dir}
          file: accounts.csv
        ```

    Args:
        folder: Where the file lies; the data set never writes there.
        file: Its name, relative to ``folder``.
        connection: The warehouse whose engine reads it.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(
        self,
        *,
        folder: str,
        file: str,
        connection: Mapping[str, Any],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        name = Path(file).stem
        self._name = name
        self._files = SourceFilesDataset(folder=folder, files={name: file}, connection=connection)
        self.metadata = metadata

    def load(self) -> ir.Table:
        """Return the file as a lazy table, one row per row of the file.

        Raises:
            DataError: The folder or the file is missing or cannot be read.
        """
        return self._files.load()[self._name]

    def save(self, data: Never) -> None:
        """Refuse: the file belongs to somebody else."""
        self._files.save(data)

    def _exists(self) -> bool:
        return self._files.exists()

    def _describe(self) -> dict[str, Any]:
        return self._files._describe()  # noqa: SLF001 (the same room's)
