"""Moves staged rows into their tables in one transaction: a crash leaves the old rows or the new.

Here for DuckDB; BigQuery does it in its own way.
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
from ucu_mlops.datasets.checks import refuse_stored_keys, unstored
from ucu_mlops.datasets.staging import PLACE, Rows, Staged, stage
from ucu_mlops.datasets.statements import add_column, delete_replaced
from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import WarehouseError

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
    if config["backend"] == "bigquery":
        from ucu_mlops.datasets import bigquery_replacement  # noqa: PLC0415 (an extra's clients)

        bigquery_replacement.save_all(config, tables)
        return
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
            stored, rows = cursor.table(each.spec.table), each.rows
            if each.spec.grows:
                rows = unstored(each.spec, stored, rows)
            else:
                target = _quoted(each.spec.table)
                cursor.raw_sql(delete_replaced(cursor, each.spec, stored, target))
                refuse_stored_keys(each.spec, stored, rows)
            cursor.insert(each.spec.table, rows)
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
            cursor.raw_sql(add_column(cursor, _quoted(table), name, kind))


def _quoted(table: str) -> str:
    return str(sge.to_identifier(table, quoted=True).sql("duckdb"))
