"""A table of the warehouse that only grows: a row is added once, however often it is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import ibis.expr.types as ir
from kedro.io import AbstractDataset

from ucu_mlops.datasets.reading import Absence, load_table
from ucu_mlops.datasets.replacement import save_all
from ucu_mlops.datasets.staging import Rows
from ucu_mlops.datasets.table_spec import table_spec


class GrowingTableDataset(AbstractDataset[Rows, ir.Table]):
    """Loads a whole table lazily; a save adds the rows whose key is not stored, and changes none.

    What was read from elsewhere and may be read again is saved so: in one transaction, so that
    after a kill at any moment saving again gives each row once.

    Example:
        ```yaml
        "{model}.requests":
          type: ucu_mlops.datasets.growing_table.GrowingTableDataset
          connection: ${globals:warehouse}
          table: requests
          made_by: "{model}_requests"
          where: {model: "{model}"}
          key: [request_id, version, shadow]
          columns: {request_id: string, version: string, shadow: boolean, model: string, day: date}
          day: day
        ```

    Args:
        table: The table's name.
        connection: ``{backend: duckdb, database: FILE, settings: {…}}``.
        key: Columns that identify a row (with those of ``where``); never null.
        columns: Ibis types by column name.
        day: The column, a date, by whose days the table is partitioned; the same row has the same.
        where: Constants; a load sees only such rows, a save takes only such rows.
        missing: What a load does while there is no table: ``error``, or ``empty`` for no rows.
        made_by: The pipeline that makes the table, for the message that it is missing.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(  # noqa: PLR0913 (the keys of a catalog entry)
        self,
        *,
        table: str,
        connection: Mapping[str, Any],
        key: Sequence[str],
        columns: Mapping[str, str],
        day: str,
        where: Mapping[str, Any] | None = None,
        missing: str = "error",
        made_by: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        any_day = {"column": day, "start": date.min, "end": date.max}
        self._spec = replace(table_spec(table, key, columns, any_day, where), grows=True)
        self._connection = dict(connection)
        self._absence = Absence(missing, made_by)
        self.metadata = metadata

    def load(self) -> ir.Table:
        """Return the table, not its rows: they move when somebody executes it.

        Raises:
            DataError: There is no such table.
            SchemaError: The stored table has other columns than declared.
        """
        return load_table(self._connection, self._spec, self._absence)

    def save(self, data: Rows) -> None:
        """Add the rows that are not stored yet; of rows with one key, one.

        Raises:
            DataError: ``data`` may not be stored; nothing was changed.
            WarehouseError: The warehouse could not compute or store it; nothing was changed.
        """
        save_all(self._connection, {self._spec.table: (self._spec, data)})

    def _describe(self) -> dict[str, Any]:
        return {"table": self._spec.table, "where": dict(self._spec.where) or None}
