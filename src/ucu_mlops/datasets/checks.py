"""Checks staged rows where they wait, in whatever warehouse, before any stored row goes."""

import functools
import logging
import operator

import ibis
import ibis.expr.types as ir

from ucu_mlops.datasets.table_spec import TableSpec
from ucu_mlops.errors import DataError, DuplicateKeyError

logger = logging.getLogger(__name__)


def checked(spec: TableSpec, staged: ir.Table) -> ir.Table:
    """Refuse rows that may not be stored.

    Args:
        spec: The table that they are for.
        staged: The rows.

    Returns:
        The rows as they will be stored, lazy: NaN and infinities are null, which is logged; of a
        table that grows one row of each key.

    Raises:
        DuplicateKeyError: A key is null or, unless the table grows, stands for two rows.
        DataError: Rows lie outside the days or constants that the entry replaces.
    """
    floats = [name for name, kind in staged.schema().items() if kind.is_floating()]
    unfit = {name: staged[name].isnan() | staged[name].isinf() for name in floats}
    inside = spec.replaced(staged)
    keyless = functools.reduce(operator.or_, [staged[name].isnull() for name in spec.key])
    counts = staged.aggregate(
        keyless=keyless.sum(),
        outside=(~inside).sum() if inside is not None else ibis.literal(0),
        **{f"unfit {name}": condition.sum() for name, condition in unfit.items()},
    )
    found = {name: value or 0 for name, value in counts.to_pyarrow().to_pylist()[0].items()}
    if found["keyless"]:
        example = _first(staged.filter(keyless), spec)
        raise DuplicateKeyError(
            f"table {spec.table}: {found['keyless']} rows have a null in their key"
            f" ({', '.join(spec.key)}), first {example}; fill or drop them before saving"
        )
    if found["outside"] and inside is not None:
        _refuse_outside(spec, staged.filter(~inside), found["outside"])
    staged = _single(spec, staged)
    gone = {name: found[f"unfit {name}"] for name in floats if found[f"unfit {name}"]}
    if gone:
        told = ", ".join(f"{count} in {name}" for name, count in gone.items())
        logger.warning("table %s: NaN or infinite, stored as null: %s", spec.table, told)
    return staged.mutate(**{name: unfit[name].ifelse(ibis.null(), staged[name]) for name in gone})


def refuse_stored_keys(spec: TableSpec, staying: ir.Table, staged: ir.Table) -> None:
    """Refuse keys that a row outside the replaced ones has already.

    Args:
        spec: The table.
        staying: Its stored rows, without those that are replaced.
        staged: The new rows.

    Raises:
        DuplicateKeyError: Some have a key that stays.
    """
    # Where the key tells the day and the constants, no row outside them can have the same key.
    if set(spec.selecting) <= set(spec.key):
        return
    taken = staying.semi_join(staged, list(spec.key))
    if count := taken.count().to_pyarrow().as_py():
        raise DuplicateKeyError(
            f"table {spec.table}: {count} keys are stored already outside the rows that the entry"
            f" replaces, first {_first(taken, spec)}; save them under the days they belong to"
        )


def _refuse_outside(spec: TableSpec, outside: ir.Table, count: int) -> None:
    where = [f"{name} = {value}" for name, value in spec.where.items()]
    if spec.partition is not None:
        days = spec.partition
        where.append(f"{days.column} from {days.start} to {days.end}")
    row = outside.select(*spec.selecting).limit(1).to_pyarrow().to_pylist()[0]
    example = ", ".join(f"{name} {value}" for name, value in row.items())
    raise DataError(
        f"table {spec.table}: {count} rows lie outside what the entry replaces"
        f" ({', '.join(where)}), first {example}; save them under the days they belong to"
    )


def unstored(spec: TableSpec, stored: ir.Table, staged: ir.Table) -> ir.Table:
    """Give the staged rows whose key is not stored, lazily.

    Args:
        spec: A table that grows.
        stored: Its rows.
        staged: The new ones, one of each key.
    """
    if spec.partition is not None:  # only the days in question are read
        day = staged[spec.partition.column]
        ends = staged.aggregate(first=day.min(), last=day.max()).to_pyarrow().to_pylist()[0]
        if ends["first"] is not None:
            days = stored[spec.partition.column]
            stored = stored.filter(days.between(ends["first"], ends["last"]))
    return staged.anti_join(stored, list(spec.key))


def _single(spec: TableSpec, staged: ir.Table) -> ir.Table:
    """Let a key stand for one row: of a table that grows one stays, of another all are refused."""
    repeated = staged.group_by(*spec.key).aggregate(repeats=staged.count())
    repeated = repeated.filter(repeated.repeats > 1)
    count = repeated.count().to_pyarrow().as_py()
    if count and not spec.grows:
        raise DuplicateKeyError(
            f"table {spec.table}: {count} keys ({', '.join(spec.key)}) stand for more than one row,"
            f" first {_first(repeated, spec)}; keep one row of each"
        )
    return staged.distinct(on=list(spec.key), keep="first") if count else staged


def _first(rows: ir.Table, spec: TableSpec) -> str:
    keys = rows.select(*spec.key).order_by(*spec.key).limit(1).to_pyarrow().to_pylist()[0]
    return ", ".join(f"{name} {value}" for name, value in keys.items())
