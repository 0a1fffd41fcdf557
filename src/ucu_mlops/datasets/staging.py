"""Puts what is saved beside the warehouse, once, and checks it there before any stored row goes.

Expressions run where they are; frames, Arrow tables and streams go in batch by batch through a
cursor of their own, so a stream may well be fed by the same warehouse.
"""

from dataclasses import dataclass
from typing import TypeAlias

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.util import gen_name

from ucu_mlops.datasets.checks import checked
from ucu_mlops.datasets.columns import fitting_columns
from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.datasets.warehouse import STAGING
from ucu_mlops.errors import DataError, SchemaError

Rows: TypeAlias = ir.Table | pd.DataFrame | pa.Table | pa.RecordBatchReader
PLACE = (STAGING, "main")


@dataclass(frozen=True)
class Staged:
    """Checked rows that wait to be moved into their table.

    Attributes:
        spec: The table they are for.
        name: The staging table they wait in.
        rows: The rows as they will be stored, lazy.
    """

    spec: TableSpec
    name: str
    rows: ir.Table


def stage(connection: Backend, cursor: Backend, spec: TableSpec, data: Rows) -> Staged:
    """Write ``data`` into a staging table and check it.

    Args:
        connection: The warehouse; expressions run on it.
        cursor: A cursor of the same warehouse; all else runs on it.
        spec: The table that the rows are for.
        data: The rows. In floating columns NaN and infinities become null, which is logged
            (pandas writes null as NaN: in a frame only infinities are counted).

    Returns:
        The staged rows, all of which may be stored.

    Raises:
        SchemaError: Columns or types do not fit.
        DuplicateKeyError: A key is null or stands for two rows.
        DataError: Rows lie outside the days or constants that the entry replaces.
    """
    source = data if isinstance(data, ir.Table) else as_reader(spec, data)
    given = (
        source.schema() if isinstance(source, ir.Table) else ibis.Schema.from_pyarrow(source.schema)
    )
    stored = cursor.table(spec.table).schema() if spec.table in cursor.list_tables() else None
    needed = fitting_columns(spec, given, stored)
    name = gen_name(spec.table)
    staged = cursor.create_table(name, schema=needed, database=PLACE)
    try:
        if isinstance(source, ir.Table):
            connection.insert(name, source.select(*needed), database=PLACE)
        else:
            _insert_stream(cursor, name, source, list(needed))
        return Staged(spec, name, checked(spec, staged))
    except BaseException:
        cursor.drop_table(name, database=PLACE)
        raise


def _insert_stream(
    cursor: Backend, name: str, stream: pa.RecordBatchReader, columns: list[str]
) -> None:
    view = gen_name("stream")
    cursor.con.register(view, stream)
    try:
        cursor.insert(name, cursor.table(view).select(*columns), database=PLACE)
    finally:
        cursor.con.unregister(view)


def as_reader(spec: TableSpec, data: Rows) -> pa.RecordBatchReader:
    """Make a stream of Arrow batches of rows that are no expression.

    Raises:
        SchemaError: A column of a frame mixes types.
        DataError: It is nothing that holds rows.
    """
    if isinstance(data, pa.RecordBatchReader):
        return data
    if isinstance(data, pd.DataFrame):
        frame = _with_arrow_times(spec, data)
        try:
            data = pa.Table.from_pandas(frame, preserve_index=False)
        except pa.ArrowException as error:
            raise SchemaError(
                f"table {spec.table}: a column mixes types ({error.args[-1]}); give it one"
            ) from error
    if not isinstance(data, pa.Table):
        raise DataError(
            f"table {spec.table}: needs an Ibis table, a pandas frame, an Arrow table or reader,"
            f" got {type(data).__name__}"
        )
    return data.to_reader()


def _with_arrow_times(spec: TableSpec, frame: pd.DataFrame) -> pd.DataFrame:
    replaced: dict[str, pd.Series] = {}
    dates = {name for name, kind in (spec.columns or {}).items() if kind.is_date()}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            # PyArrow 25 takes time zones from pandas 3.1 in a way that pandas warns about.
            utc = pd.ArrowDtype(pa.timestamp(column.dtype.unit, tz="UTC"))
            replaced[str(name)] = column.astype(utc)
        elif name in dates and column.dtype.kind == "M" and _midnights(column):
            # pandas has no dates: midnights without a zone are what it makes of a date column.
            replaced[str(name)] = column.dt.date
    return frame.assign(**replaced)


def _midnights(column: pd.Series) -> bool:
    return bool((column.isna() | (column == column.dt.normalize())).all())
