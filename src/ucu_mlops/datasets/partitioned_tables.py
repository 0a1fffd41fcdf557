"""Several tables of the warehouse under one name in the catalog: saved together, all or none."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import ibis.expr.types as ir
from kedro.io import AbstractDataset

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.reading import Absence, load_table, missing_table
from ucu_mlops.datasets.replacement import save_all
from ucu_mlops.datasets.staging import Rows
from ucu_mlops.datasets.table_spec import TableSpec, table_spec
from ucu_mlops.errors import ConfigurationError, DataError

NAME = "{name}"
TABLE_KEYS = {"columns", "key", "partition", "where"}


class PartitionedTablesDataset(AbstractDataset[dict[str, Rows], dict[str, ir.Table]]):
    """Loads and saves a dictionary from name to table; each as ``PartitionedTableDataset`` does.

    A save replaces the configured days in all tables in one transaction.

    Example:
        ```yaml
        source_tables:                # tables that are known: exactly these are saved and loaded
          type: ucu_mlops.datasets.partitioned_tables.PartitionedTablesDataset
          connection: ${globals:warehouse}
          made_by: simulation
          partition: {column: ingested_at, start: "2026-01-01", end: "2026-03-31"}
          tables:
            users: {key: [user_id], columns: {user_id: string, ingested_at: "timestamp('UTC', 6)"}}

        feature_tables:               # tables that others declare: what is saved is what there is
          type: ucu_mlops.datasets.partitioned_tables.PartitionedTablesDataset
          connection: ${globals:warehouse}
          made_by: features
          table: features_{name}
          key: [entity_id, as_of]
          partition: {column: as_of, start: "2026-03-31", end: "2026-03-31"}
        ```

    Args:
        connection: ``{backend: duckdb, database: FILE, settings: {…}}``.
        tables: By name, ``columns`` and, if they differ from the entry's, ``key``, ``partition``,
            ``where``. The name is the table's name.
        table: Instead of ``tables``, a pattern with ``{name}``; columns are what is saved.
        key: Columns that identify a row, for tables that name none of their own.
        partition: ``column``, ``start``, ``end``, for tables that name none of their own.
        missing: What a load does while a table is not there: ``error``, or ``empty`` (for a
            pattern: no tables).
        made_by: The pipeline that makes the tables, for the message that one is missing.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(  # noqa: PLR0913 (the keys of a catalog entry)
        self,
        *,
        connection: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        table: str | None = None,
        key: Sequence[str] = (),
        partition: Mapping[str, Any] | None = None,
        missing: str = "error",
        made_by: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if (tables is None) == (table is None):
            raise ConfigurationError("either tables or a table pattern must be given, not both")
        if table is not None and table.count(NAME) != 1:
            raise ConfigurationError(f"table must contain {NAME} once, got {table!r}")
        self._pattern = table
        self._key, self._partition = tuple(key), partition
        self._specs = {name: self._declared(name, raw) for name, raw in (tables or {}).items()}
        self._connection = dict(connection)
        self._absence = Absence(missing, made_by)
        self.metadata = metadata

    def load(self) -> dict[str, ir.Table]:
        """Return every table, lazy; for a pattern those that the warehouse has.

        Raises:
            DataError: A table is not there; for a pattern, none is.
            SchemaError: A stored table has other columns than declared.
        """
        specs = self._specs if self._pattern is None else self._found(self._pattern)
        if not specs and self._absence.missing == "error":
            raise missing_table(str(self._pattern), self._connection, self._absence)
        return {
            name: load_table(self._connection, spec, self._absence) for name, spec in specs.items()
        }

    def save(self, data: dict[str, Rows]) -> None:
        """Replace the configured days in every table, in one transaction.

        Raises:
            DataError: A table is missing in ``data``, is not declared, or may not be stored;
                nothing was changed.
            WarehouseError: The warehouse could not compute or store them; nothing was changed.
        """
        if self._pattern is None and set(data) != set(self._specs):
            raise DataError(
                f"tables {sorted(self._specs)} must be saved together, got {sorted(data)}"
            )
        rows = {
            name: (self._specs.get(name) or self._inferred(name), each)
            for name, each in data.items()
        }
        save_all(self._connection, rows)

    def _declared(self, name: str, raw: Mapping[str, Any]) -> TableSpec:
        if unknown := sorted(set(raw) - TABLE_KEYS):
            raise ConfigurationError(f"table {name} knows {sorted(TABLE_KEYS)}, got {unknown}")
        return table_spec(
            name,
            raw.get("key", self._key),
            raw.get("columns"),
            raw.get("partition", self._partition),
            raw.get("where"),
        )

    def _inferred(self, name: str) -> TableSpec:
        table = str(self._pattern).replace(NAME, name)
        return table_spec(table, self._key, None, self._partition, None)

    def _found(self, pattern: str) -> dict[str, TableSpec]:
        matching = re.compile(re.escape(pattern).replace(re.escape(NAME), "(.+)"))
        tables = sorted(warehouse.connect(self._connection).list_tables())
        names = [found[1] for table in tables if (found := matching.fullmatch(table))]
        return {name: self._inferred(name) for name in names}

    def _exists(self) -> bool:
        if self._pattern is not None:
            return bool(self._found(self._pattern))
        stored = warehouse.connect(self._connection).list_tables()
        return all(spec.table in stored for spec in self._specs.values())

    def _describe(self) -> dict[str, Any]:
        return {"tables": sorted(self._specs) or None, "table": self._pattern}
