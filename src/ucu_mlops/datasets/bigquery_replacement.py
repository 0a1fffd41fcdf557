"""Moves staged rows into their tables of BigQuery in one transaction.

Before it a table is made and gets new columns, empty: BigQuery allows no such thing inside.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import ibis
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from ibis.backends.bigquery.datatypes import BigQuerySchema

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.bigquery_staging import address, stage, stored_columns
from ucu_mlops.datasets.checks import refuse_stored_keys, unstored
from ucu_mlops.datasets.staging import Rows, Staged
from ucu_mlops.datasets.statements import add_column, delete_replaced
from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import WarehouseError

# One row per table. Two saves of one table change the same row, so BigQuery lets only one commit,
# even where neither finds a row to delete.
TURNS = "_turns"
MOST_CLUSTERED = 4


def save_all(config: Mapping[str, Any], tables: Mapping[str, tuple[TableSpec, Rows]]) -> None:
    """Replace the rows of several tables together: all of them or none.

    Args:
        config: The warehouse, as for ``warehouse.connect``.
        tables: By name, what each table is and its new rows.

    Raises:
        DataError: Some rows may not be stored; nothing was changed.
        WarehouseError: BigQuery could not compute or store them, or another run saved into one of
            the tables at the same moment; nothing was changed.
    """
    names = ", ".join(spec.table for spec, _ in tables.values())
    connection = warehouse.connect(config)
    staged: list[Staged] = []
    try:
        for spec, rows in tables.values():
            staged.append(stage(connection, spec, rows))
        for each in staged:
            _prepare_table(connection, each)
            _refuse_stored_keys(connection, each)
        connection.raw_sql(_script(connection, staged))
    except GoogleAPICallError as error:
        raise WarehouseError(
            f"table {names}: nothing was saved: {error.message.partition(chr(10))[0]};"
            " if another run saved at the same moment, run again"
        ) from error
    finally:
        for each in staged:
            with suppress(GoogleAPICallError):  # it expires
                connection.client.delete_table(address(connection, each.name), not_found_ok=True)


def _prepare_table(connection: Any, staged: Staged) -> None:
    schema, spec = staged.rows.schema(), staged.spec
    stored = stored_columns(connection, spec.table)
    if stored is None:
        _make_turn(connection, spec.table)
        connection.client.create_table(_table(connection, spec, schema), exists_ok=True)
        return
    target = f"`{address(connection, spec.table)}`"
    for name, kind in schema.items():
        if name not in stored:
            connection.raw_sql(add_column(connection, target, name, kind))


def _table(connection: Any, spec: TableSpec, schema: ibis.Schema) -> bigquery.Table:
    table = bigquery.Table(address(connection, spec.table), BigQuerySchema.from_ibis(schema))
    day = spec.partition and spec.partition.column
    if day:
        table.time_partitioning = bigquery.TimePartitioning(field=day)
    clustered = [name for name in spec.key if name != day and not schema[name].is_floating()]
    table.clustering_fields = clustered[:MOST_CLUSTERED] or None
    table.labels = dict(connection.client.default_query_job_config.labels)
    return table


def _make_turn(connection: Any, table: str) -> None:
    """Put the table's row into the table of turns, before there is the table."""
    turns = bigquery.Table(
        address(connection, TURNS),
        [bigquery.SchemaField("table_name", "STRING"), bigquery.SchemaField("saves", "INT64")],
    )
    connection.client.create_table(turns, exists_ok=True)
    target = f"`{address(connection, TURNS)}`"
    connection.raw_sql(
        f"INSERT INTO {target} (table_name, saves) SELECT '{table}', 0"  # noqa: S608 (declared names)
        f" FROM (SELECT COUNT(*) AS n FROM {target} WHERE table_name = '{table}') WHERE n = 0"
    )


def _refuse_stored_keys(connection: Any, staged: Staged) -> None:
    table = connection.table(staged.spec.table)
    replaced = staged.spec.replaced(table)
    if replaced is not None and not staged.spec.grows:
        refuse_stored_keys(staged.spec, table.filter(~replaced), staged.rows)


def _script(connection: Any, staged: list[Staged]) -> str:
    """Write the transaction; whatever fails in it, BigQuery takes back what it did."""
    statements = ["BEGIN TRANSACTION"]
    turns = f"`{address(connection, TURNS)}`"
    for each in staged:
        spec, target = each.spec, f"`{address(connection, each.spec.table)}`"
        table, columns = connection.table(spec.table), list(each.rows.schema())
        quoted = ", ".join(f"`{name}`" for name in columns)
        statements.append(
            f"UPDATE {turns} SET saves = saves + 1 WHERE table_name = '{spec.table}'"  # noqa: S608 (declared names)
        )
        if spec.grows:
            rows = unstored(spec, table, each.rows)
        else:
            rows = each.rows
            statements.append(delete_replaced(connection, spec, table, target))
        statements.append(f"INSERT INTO {target} ({quoted}) {connection.compile(rows)}")
    return ";\n".join([*statements, "COMMIT TRANSACTION"])
