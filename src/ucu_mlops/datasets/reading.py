"""Reads a table of the warehouse lazily, and says what to do when there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.columns import check_stored
from ucu_mlops.datasets.statements import no_rows
from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import ConfigurationError, DataError

MISSING = ("error", "empty")


@dataclass(frozen=True)
class Absence:
    """What a load does while there is no table.

    Attributes:
        missing: ``error``, or ``empty`` for a table without rows.
        made_by: The pipeline that makes the table, for the message.
    """

    missing: str = "error"
    made_by: str | None = None

    def __post_init__(self) -> None:
        """Refuse a third way."""
        if self.missing not in MISSING:
            raise ConfigurationError(f"missing must be one of {MISSING}, got {self.missing!r}")


def load_table(config: Mapping[str, Any], spec: TableSpec, absence: Absence) -> ir.Table:
    """Return the rows that have the constants of ``spec.where``, lazy.

    Args:
        config: The warehouse, as for ``warehouse.connect``.
        spec: The table.
        absence: What to do while there is none.

    Returns:
        The table in the declared order of columns.

    Raises:
        DataError: There is no such table.
        SchemaError: The stored table has other columns than declared.
    """
    connection = warehouse.connect(config)
    if spec.table not in connection.list_tables():
        if absence.missing == "empty":
            return _empty(connection, spec)
        raise missing_table(spec.table, config, absence)
    table = connection.table(spec.table)
    check_stored(spec, table.schema())
    if spec.columns is not None:
        table = table.select(*spec.columns)
    conditions = [table[name] == value for name, value in spec.where.items()]
    return table.filter(conditions) if conditions else table


def missing_table(table: str, config: Mapping[str, Any], absence: Absence) -> DataError:
    """Make the error that says which pipeline makes the table."""
    made_by = absence.made_by
    remedy = f"run `kedro run --pipeline={made_by}` first" if made_by else "make it first"
    return DataError(f"table {table} is not in the warehouse {warehouse.place(config)}; {remedy}")


def _empty(connection: Any, spec: TableSpec) -> ir.Table:
    if spec.columns is None:
        raise ConfigurationError(f"table {spec.table}: missing: empty needs columns to be declared")
    return connection.sql(no_rows(connection, spec.columns), schema=spec.columns)
