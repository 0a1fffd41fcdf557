"""What a catalog entry declares about a table: key, columns, and which rows a save replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.common.annotations import ValidationError

from ucu_mlops.errors import ConfigurationError

PARTITION_KEYS = {"column", "start", "end"}


@dataclass(frozen=True)
class Partition:
    """The days that a save replaces.

    Attributes:
        column: A date, or a timestamp whose UTC day counts.
        start: First day.
        end: Last day, included.
    """

    column: str
    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a range that ends before it starts."""
        if self.start > self.end:
            raise ConfigurationError(
                f"partition.start must not be after partition.end, got {self.start} and {self.end}"
            )


@dataclass(frozen=True)
class TableSpec:
    """One table of the warehouse.

    Attributes:
        table: Its name.
        key: Columns that identify a row, those of ``where`` among them.
        columns: Ibis types by column name; None takes them from what is saved.
        partition: The days that a save replaces; None: all of them.
        where: Constants that the rows of this entry have; loads and saves see no others.
        grows: A save replaces nothing: it adds the rows whose key is not stored yet.
    """

    table: str
    key: tuple[str, ...]
    columns: ibis.Schema | None = None
    partition: Partition | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    grows: bool = False

    def __post_init__(self) -> None:
        """Refuse a key, a partition or a constant that is no column."""
        columns = self.named if self.columns is None else list(self.columns)
        if lost := [name for name in self.named if name not in columns]:
            raise ConfigurationError(
                f"table {self.table}: key, partition and where name {lost}, got columns {columns}"
            )

    @property
    def named(self) -> list[str]:
        """Columns that key, partition and where speak of."""
        return list(dict.fromkeys([*self.key, *self.selecting]))

    @property
    def selecting(self) -> list[str]:
        """Columns that decide whether a save replaces a row."""
        return [*([self.partition.column] if self.partition else []), *self.where]

    def replaced(self, table: ir.Table) -> ir.BooleanValue | None:
        """Tell which rows of ``table`` a save replaces; None: all of them."""
        conditions = [table[name] == value for name, value in self.where.items()]
        if self.partition is not None:
            conditions += _days(table[self.partition.column], self.partition)
        return ibis.and_(*conditions).fill_null(False) if conditions else None


def table_spec(
    table: str,
    key: Sequence[str],
    columns: Mapping[str, str] | None,
    partition: Mapping[str, Any] | None,
    where: Mapping[str, Any] | None,
) -> TableSpec:
    """Read what stands in the catalog.

    Args:
        table: The table's name.
        key: Columns that identify a row.
        columns: Ibis types as text by column name, or None.
        partition: ``column``, ``start`` and ``end`` (ISO dates or dates), or None.
        where: Constants by column name, or None.

    Returns:
        The same, checked.

    Raises:
        ConfigurationError: A type, a date or a key is not what it should be.
    """
    try:
        schema = None if columns is None else ibis.schema(dict(columns))
    except (ValidationError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"table {table}: columns must have Ibis types such as string, int64,"
            f" timestamp('UTC', 6), got {dict(columns or {})}"
        ) from error
    days = None if partition is None else _partition(table, partition)
    if not key:
        raise ConfigurationError(f"table {table}: key must name at least one column")
    constants = dict(where or {})
    # Rows of two models may share all but the model: the constants are part of the key.
    whole_key = (*(name for name in constants if name not in key), *key)
    return TableSpec(table, whole_key, schema, days, constants)


def _partition(table: str, raw: Mapping[str, Any]) -> Partition:
    if set(raw) != PARTITION_KEYS:
        raise ConfigurationError(
            f"table {table}: partition needs {sorted(PARTITION_KEYS)}, got {sorted(raw)}"
        )
    return Partition(
        str(raw["column"]),
        _day(table, "partition.start", raw["start"]),
        _day(table, "partition.end", raw["end"]),
    )


def _day(table: str, name: str, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigurationError(
            f"table {table}: {name} must be a date such as 2026-03-31, got {value!r}"
        ) from error


def _days(column: ir.Value, partition: Partition) -> list[ir.BooleanValue]:
    kind = column.type()
    if kind.is_date():
        return [column >= partition.start, column <= partition.end]
    if kind.is_timestamp():
        zone = UTC if kind.timezone else None
        first = datetime.combine(partition.start, time.min, zone)
        after = datetime.combine(partition.end + timedelta(days=1), time.min, zone)
        return [column >= ibis.literal(first, kind), column < ibis.literal(after, kind)]
    raise ConfigurationError(
        f"partition.column {partition.column} must be a date or a timestamp, got {kind}"
    )
