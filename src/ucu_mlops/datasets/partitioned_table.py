"""A table of the warehouse whose days are replaced, never half and never twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis.expr.types as ir
from kedro.io import AbstractDataset

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.reading import Absence, load_table
from ucu_mlops.datasets.replacement import save_all
from ucu_mlops.datasets.staging import Rows
from ucu_mlops.datasets.table_spec import table_spec


class PartitionedTableDataset(AbstractDataset[Rows, ir.Table]):
    """Loads a whole table lazily; saves the days that the configuration names.

    A save replaces exactly the rows between ``partition.start`` and ``partition.end`` that have
    the constants of ``where``, in one transaction; without either the whole table. An empty save
    clears them. Saving again gives the same.

    Example:
        ```yaml
        scam.queue:
          type: ucu_mlops.datasets.partitioned_table.PartitionedTableDataset
          connection: ${globals:warehouse}
          table: cases
          made_by: scam_scoring
          key: [case_id]
          columns: {case_id: string, model: string, as_of: date, probability: float64}
          partition: {column: as_of, start: "2026-03-31", end: "2026-03-31"}
          where: {model: scam}
          missing: empty
        ```

    Args:
        table: The table's name.
        connection: ``{backend: duckdb, database: FILE, settings: {…}}``.
        key: Columns that identify a row (with those of ``where``); never null, never twice.
        columns: Ibis types by column name. Without it the columns are what is saved: a new one is
            added to the table (null in the days stored before), one that is gone stays (null in
            the days stored from now on), a changed type is refused.
        partition: ``column`` (a date, or a timestamp whose UTC day counts), ``start``, ``end``.
        where: Constants; a load sees only such rows, a save takes and replaces only such rows.
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
        columns: Mapping[str, str] | None = None,
        partition: Mapping[str, Any] | None = None,
        where: Mapping[str, Any] | None = None,
        missing: str = "error",
        made_by: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._spec = table_spec(table, key, columns, partition, where)
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
        """Replace the configured days by ``data``.

        Raises:
            DataError: ``data`` may not be stored; nothing was changed.
            WarehouseError: The warehouse could not compute or store it; nothing was changed.
        """
        save_all(self._connection, {self._spec.table: (self._spec, data)})

    def _exists(self) -> bool:
        return self._spec.table in warehouse.connect(self._connection).list_tables()

    def _describe(self) -> dict[str, Any]:
        days = self._spec.partition
        return {
            "table": self._spec.table,
            "days": f"{days.start} to {days.end}" if days else None,
            "where": dict(self._spec.where) or None,
        }
