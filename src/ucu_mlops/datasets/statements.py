"""Statements that Ibis has no words for, in the dialect of whatever warehouse."""

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import sqlglot.expressions as sge

from ucu_mlops.datasets.table_spec import TableSpec


def delete_replaced(connection: Any, spec: TableSpec, table: ir.Table, target: str) -> str:
    """Write what deletes the rows that a save replaces.

    Args:
        connection: The warehouse.
        spec: What the entry declares.
        table: The stored table.
        target: Its quoted name.
    """
    dialect, condition = connection.dialect, spec.replaced(table)
    if condition is None:
        return f"DELETE FROM {target} WHERE TRUE"  # noqa: S608 (a quoted name)
    chosen = connection.compiler.to_sqlglot(table.filter(condition)).args["where"]
    for column in chosen.find_all(sge.Column):
        column.set("table", None)  # the alias that Ibis gives the table in a SELECT
    return str(sge.delete(target, where=chosen.this, dialect=dialect).sql(dialect))


def add_column(connection: Any, target: str, name: str, kind: dt.DataType) -> str:
    """Write what adds a column that is null in the rows stored before."""
    column = sge.ColumnDef(
        this=sge.to_identifier(name, quoted=True),
        kind=connection.compiler.type_mapper.from_ibis(kind),
    )
    return f"ALTER TABLE {target} ADD COLUMN {column.sql(connection.dialect)}"


def no_rows(connection: Any, columns: dict[str, dt.DataType]) -> str:
    """Write a query that has columns and no rows."""
    kinds = connection.compiler.type_mapper
    nulls = [
        sge.alias_(sge.Cast(this=sge.null(), to=kinds.from_ibis(kind)), name, quoted=True)
        for name, kind in columns.items()
    ]
    return str(sge.select(*nulls).limit(0).sql(connection.dialect))
