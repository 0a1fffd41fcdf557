"""Moves staged rows into their tables in one transaction: a crash leaves the old rows or the new.

This is what another warehouse would do in its own way; DuckDB deletes and inserts.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.staging import PLACE, Rows, Staged, stage
from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import DuplicateKeyError, WarehouseError

# The least that DuckDB's guide advises for a thread; a stream needs no more.
BYTES_PER_THREAD = 125_000_000


def save_all(config: Mapping[str, Any], tables: Mapping[str, tuple[TableSpec, Rows]]) -> None:
    """Replace the rows of several tables together: all of them or none.

    Args:
        config: The warehouse, as for ``warehouse.connect``.
        tables: By name, what each table is and its new rows.

    Raises:
        DataError: Some rows may not be stored; nothing was changed.
        WarehouseError: The warehouse could not compute or store them; nothing was changed.
    """
    names = ", ".join(spec.table for spec, _ in tables.values())
    connection = warehouse.connect(config)
    streams = all(isinstance(rows, pa.RecordBatchReader) for _, rows in tables.values())
    with warehouse.writing, closing(connection.con.cursor()) as session:
        cursor = ibis.duckdb.from_connection(session)
        staged: list[Staged] = []
        try:
            with _frugal(cursor, config) if streams else nullcontext():
                for spec, rows in tables.values():
                    staged.append(stage(connection, cursor, spec, rows))
                _replace(cursor, staged)
        except duckdb.Error as error:
            raise WarehouseError(
                f"table {names}: nothing was saved: {warehouse.first_line(error)}"
            ) from error
        finally:
            for each in staged:
                cursor.drop_table(each.name, database=PLACE)


@contextmanager
def _frugal(cursor: Backend, config: Mapping[str, Any]) -> Iterator[None]:
    """Let DuckDB keep little while rows stream: it would fill its limit with what it reads once.

    The limit is the whole process's: a statement of another thread may go to disk meanwhile.
    """
    usual = (config.get("settings") or {}).get("memory_limit")
    enough = f"current_setting('threads') * {BYTES_PER_THREAD}"
    given = "parse_formatted_bytes(current_setting('memory_limit'))"
    (limit,) = cursor.raw_sql(f"SELECT least({enough}, {given})").fetchone()
    cursor.raw_sql(f"SET memory_limit = '{limit} bytes'")
    try:
        yield
    finally:
        cursor.raw_sql(f"SET memory_limit = '{usual}'" if usual else "RESET memory_limit")


def _replace(cursor: Backend, staged: list[Staged]) -> None:
    cursor.con.begin()
    try:
        for each in staged:
            _prepare_table(cursor, each)
            cursor.raw_sql(_delete(cursor, each.spec))
            _refuse_stored_keys(cursor, each)
            cursor.insert(each.spec.table, each.rows)
    except BaseException:
        cursor.con.rollback()
        raise
    cursor.con.commit()


def _prepare_table(cursor: Backend, staged: Staged) -> None:
    schema, table = staged.rows.schema(), staged.spec.table
    if table not in cursor.list_tables():
        cursor.create_table(table, schema=schema)
        return
    stored = cursor.table(table).schema()
    for name, kind in schema.items():
        if name not in stored:
            column = sge.ColumnDef(
                this=sge.to_identifier(name, quoted=True),
                kind=cursor.compiler.type_mapper.from_ibis(kind),
            )
            target = sge.to_identifier(table, quoted=True).sql("duckdb")
            cursor.raw_sql(f"ALTER TABLE {target} ADD COLUMN {column.sql('duckdb')}")


def _delete(cursor: Backend, spec: TableSpec) -> sge.Expression:
    table = cursor.table(spec.table)
    condition = spec.replaced(table)
    target = sge.to_identifier(spec.table, quoted=True).sql("duckdb")
    if condition is None:
        return sge.delete(target, dialect="duckdb")
    chosen = cursor.compiler.to_sqlglot(table.filter(condition)).args["where"]
    for column in chosen.find_all(sge.Column):
        column.set("table", None)  # the alias that Ibis gives the table in a SELECT
    return sge.delete(target, where=chosen.this, dialect="duckdb")


def _refuse_stored_keys(cursor: Backend, staged: Staged) -> None:
    """Refuse keys that a row outside the replaced ones has already."""
    spec = staged.spec
    # Where the key tells the day and the constants, no row outside them can have the same key.
    if set(spec.selecting) <= set(spec.key):
        return
    taken = cursor.table(spec.table).semi_join(staged.rows, list(spec.key))
    if count := taken.count().to_pyarrow().as_py():
        row = taken.select(*spec.key).order_by(*spec.key).limit(1).to_pyarrow().to_pylist()[0]
        example = ", ".join(f"{name} {value}" for name, value in row.items())
        raise DuplicateKeyError(
            f"table {spec.table}: {count} keys are stored already outside the rows that the entry"
            f" replaces, first {example}; save them under the days they belong to"
        )
