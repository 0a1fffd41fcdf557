"""Puts what is saved into a table of its own in BigQuery, once, and checks it there.

Expressions never leave the warehouse; frames, Arrow tables and streams become one Parquet file on
disk, which one load job takes: memory holds a batch at a time, whatever the size.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from ibis.backends.bigquery.datatypes import BigQuerySchema
from ibis.util import gen_name

from ucu_mlops.datasets.checks import checked
from ucu_mlops.datasets.columns import fitting_columns
from ucu_mlops.datasets.staging import Rows, Staged, as_reader
from ucu_mlops.datasets.table_spec import TableSpec

# What a killed process leaves goes by itself.
LIFETIME = timedelta(days=1)


def stage(connection: Any, spec: TableSpec, data: Rows) -> Staged:
    """Write ``data`` into a staging table and check it.

    Args:
        connection: The warehouse.
        spec: The table that the rows are for.
        data: The rows. In floating columns NaN and infinities become null, which is logged.

    Returns:
        The staged rows, all of which may be stored.

    Raises:
        SchemaError: Columns or types do not fit.
        DuplicateKeyError: A key is null or stands for two rows.
        DataError: Rows lie outside the days or constants that the entry replaces.
        GoogleAPICallError: BigQuery could not compute or take them.
    """
    source = data if isinstance(data, ir.Table) else as_reader(spec, data)
    given = (
        source.schema() if isinstance(source, ir.Table) else ibis.Schema.from_pyarrow(source.schema)
    )
    needed = _kept(fitting_columns(spec, given, stored_columns(connection, spec.table)))
    name = gen_name(spec.table)
    staging = bigquery.Table(address(connection, name), BigQuerySchema.from_ibis(needed))
    staging.expires = datetime.now(UTC) + LIFETIME
    connection.client.create_table(staging)
    try:
        if isinstance(source, ir.Table):
            connection.insert(name, source.select(**{c: source[c].cast(needed[c]) for c in needed}))
        else:
            _load(connection, staging, source, needed)
        return Staged(spec, name, checked(spec, connection.table(name)))
    except BaseException:
        connection.client.delete_table(staging, not_found_ok=True)
        raise


def address(connection: Any, table: str) -> str:
    """Return a table's whole name."""
    return f"{connection.data_project}.{connection.dataset}.{table}"


def stored_columns(connection: Any, table: str) -> ibis.Schema | None:
    """Return a stored table's columns, None while there is no such table."""
    try:
        stored = connection.client.get_table(address(connection, table))
    except NotFound:
        return None
    return BigQuerySchema.to_ibis(stored.schema)


def _kept(schema: ibis.Schema) -> ibis.Schema:
    """Return the types as BigQuery keeps them: one integer, one float, microseconds."""
    return ibis.schema({name: _kind(kind) for name, kind in schema.items()})


def _kind(kind: dt.DataType) -> dt.DataType:
    if kind.is_integer():
        return dt.int64
    if kind.is_floating():
        return dt.float64
    if kind.is_timestamp():
        return dt.Timestamp(timezone=kind.timezone and "UTC", scale=6)
    return kind


def _load(
    connection: Any, staging: bigquery.Table, stream: pa.RecordBatchReader, needed: ibis.Schema
) -> None:
    how = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        schema=staging.schema,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        labels=dict(connection.client.default_query_job_config.labels),
    )
    with tempfile.TemporaryFile() as file:
        _write(file, stream, needed.to_pyarrow())
        loading = connection.client.load_table_from_file(
            file, staging.reference, rewind=True, job_config=how
        )
        loading.result()


def _write(file: IO[bytes], stream: pa.RecordBatchReader, schema: pa.Schema) -> None:
    with pq.ParquetWriter(file, schema) as writer:
        for batch in stream:
            rows = pa.Table.from_batches([batch]).select(schema.names)
            # What does not fit was refused; only fractions of microseconds go.
            writer.write_table(rows.cast(schema, safe=False))
