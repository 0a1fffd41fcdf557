"""Which columns fit a table: the names must be the declared ones, a cast must lose nothing."""

import ibis
import ibis.expr.datatypes as dt

from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import SchemaError


def fitting_columns(spec: TableSpec, given: ibis.Schema, stored: ibis.Schema | None) -> ibis.Schema:
    """Settle the types under which rows are stored, or refuse the rows.

    Declared columns must all be there and no other. Columns that are not declared are taken as
    they come; where the table has them already, its types hold.

    Args:
        spec: What the catalog declares.
        given: Columns of the rows to save.
        stored: Columns of the table in the warehouse, None while there is none.

    Returns:
        Types by column name, nullable, for exactly the columns to store.

    Raises:
        SchemaError: A column is missing, extra or of a type that cannot be cast without loss.
    """
    if spec.columns is None:
        needed = {name: kind for name, kind in (stored or {}).items() if name in given}
        needed = {name: needed.get(name, kind) for name, kind in given.items()}
        for name in spec.named:
            if name not in given:
                raise _misfit(spec, name, "the column", "none", "add it to what is saved")
    else:
        needed = dict(spec.columns)
        check_stored(spec, stored)
        _check_names(spec, given)
    for name, kind in needed.items():
        if kind.is_null():
            raise _misfit(spec, name, "a type", "nothing but nulls", "cast it before saving")
        if not fits(given[name], kind):
            remedy = "cast it before saving"
            if spec.columns is None:
                remedy += ", or drop the table and make it anew if the change is meant"
            raise _misfit(spec, name, str(kind), str(given[name]), remedy)
    return ibis.schema({name: kind.copy(nullable=True) for name, kind in needed.items()})


def check_stored(spec: TableSpec, stored: ibis.Schema | None) -> None:
    """Refuse a table in the warehouse that is not the declared one.

    Raises:
        SchemaError: A declared column is missing in the table, extra or of another type.
    """
    if spec.columns is None or stored is None:
        return
    remedy = "the stored table has other columns than the catalog: migrate or drop it"
    for name in [*spec.columns, *stored]:
        needs, got = spec.columns.get(name), stored.get(name)
        if needs is None or got is None or not (fits(got, needs) and fits(needs, got)):
            raise _misfit(spec, name, str(needs or "no such column"), str(got or "none"), remedy)


def fits(given: dt.DataType, needed: dt.DataType) -> bool:
    """Tell whether every value of ``given`` is one of ``needed``, within the same family.

    Timestamps count as equal in whatever precision: the warehouse keeps microseconds. With and
    without a time zone are different families, for nobody knows which zone was meant.
    """
    if given.is_null():
        return True
    if given.is_integer() and needed.is_integer():
        least, most = needed.bounds.lower, needed.bounds.upper
        return bool(least <= given.bounds.lower and given.bounds.upper <= most)
    if given.is_floating() and needed.is_floating():
        return bool(given.nbytes <= needed.nbytes)
    if given.is_timestamp() and needed.is_timestamp():
        return (given.timezone is None) == (needed.timezone is None)
    return bool(given.copy(nullable=True) == needed.copy(nullable=True))


def _check_names(spec: TableSpec, given: ibis.Schema) -> None:
    declared = spec.columns or {}
    for name, kind in declared.items():
        if name not in given:
            raise _misfit(spec, name, str(kind), "no such column", "add it to what is saved")
    for name, kind in given.items():
        if name not in declared:
            remedy = "drop it, or declare it in the catalog"
            raise _misfit(spec, name, "no such column", str(kind), remedy)


def _misfit(spec: TableSpec, column: str, needs: str, got: str, remedy: str) -> SchemaError:
    return SchemaError(f"table {spec.table} column {column}: needs {needs}, got {got}; {remedy}")
