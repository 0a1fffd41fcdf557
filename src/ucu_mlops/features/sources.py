"""Look at a source table before anything is computed from it: its columns and their types."""

from collections.abc import Collection, Mapping

import ibis

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.functions import REGISTERED
from ucu_mlops.features.groups import Derived, FeatureGroup, Scalar, Source
from ucu_mlops.features.reading import hint

# Made from the moment of the event: an hour of the day, a day to count; never a date to learn.
DERIVED = ("occurred_hour", "occurred_date")
NUMBERS_ONLY = (
    *("sum", "mean", "min", "max", "std"),
    *(name for name, each in REGISTERED.items() if each.needs == "numbers"),
)


def source_table(
    source: Source, tables: Mapping[str, ibis.Table], columns: Collection[str], user: str
) -> ibis.Table:
    """Return a source's table if it has all that is needed.

    Args:
        source: The declared source.
        tables: Tables by name.
        columns: What is needed besides entity and times.
        user: Who needs it, for the message.

    Raises:
        SchemaError: The table or a column is missing, or a time is no timestamp.
    """
    if source.name not in tables:
        raise SchemaError(
            f"{user} needs the source table {source.name!r}; got {sorted(tables)}; "
            "load it, or correct sources in conf/<env>/features/"
        )
    table = tables[source.name]
    needed = {source.entity, source.occurred, source.known, *columns}
    if missing := sorted(needed - set(table.columns)):
        raise SchemaError(
            f"source table {source.name!r} lacks {missing}, which {user} needs; it has "
            f"{sorted(table.columns)}{hint(missing[0], table.columns)}; correct the table or "
            "conf/<env>/features/"
        )
    for name in (source.occurred, source.known):
        kind = table[name].type()
        if not kind.is_timestamp():
            raise SchemaError(
                f"source table {source.name!r}: {name!r} must be a timestamp, got {kind}; cast it"
            )
    return table


def columns_of(group: FeatureGroup) -> list[str]:
    """Return the columns that a group reads, derived ones included, in order."""
    derived = {each.derived for each in group.aggregates if each.derived}
    conditions = [each.where for each in group.aggregates]
    conditions += [terms for each in derived for terms in (each.where, each.minus)]
    names = {column for terms in conditions for column, _ in terms}
    names |= {each.column for each in derived if each.column}
    names |= {each.column for each in group.aggregates if each.column}
    names |= {each.name for each in group.attributes}
    return sorted(names)


def needs_moments(group: FeatureGroup) -> bool:
    """Tell whether a group asks when in the day something happened, and not on which day only."""
    return bool(group.attributes) or any(
        each.aggregate == "time_since" or each.derived or each.code for each in group.aggregates
    )


def check_names(table: ibis.Table, group: FeatureGroup) -> None:
    """Refuse a derived column that would hide one of the source's.

    Raises:
        SchemaError: The source has a column of the name.
    """
    derived = {each.derived.name for each in group.aggregates if each.derived}
    if hidden := sorted(derived & set(table.columns)):
        raise SchemaError(
            f"group {group.name!r} derives {hidden}, which source {group.source!r} has as well; "
            "rename it under columns"
        )


def check_types(columns: Mapping[str, ibis.Column], group: FeatureGroup) -> None:
    """Refuse to add up words or to compare a number with a word.

    Args:
        columns: What :func:`columns_of` names.
        group: What is to be computed from them.

    Raises:
        SchemaError: A feature asks of a column what its type cannot give.
    """
    for each in group.aggregates:
        for column, values in each.where:
            _check_comparable(columns[column], column, values, f"{group.name}.{each.name}")
        if each.column and each.aggregate in NUMBERS_ONLY:
            _check_numeric(columns[each.column], each.aggregate, each.column, each.name, group)
        if each.derived:
            _check_derived(columns, each.derived, group)
    for attribute in group.attributes:
        kind = columns[attribute.name].type()
        if attribute.kind == "numeric" and not kind.is_numeric():
            raise SchemaError(
                f"attribute {group.name}.{attribute.name} must be a number, source "
                f"{group.source!r} has {kind}; declare it categorical"
            )


def _check_derived(
    columns: Mapping[str, ibis.Column], derived: Derived, group: FeatureGroup
) -> None:
    where = f"{group.name}.{derived.name}"
    for column, values in (*derived.where, *derived.minus):
        _check_comparable(columns[column], column, values, where)
    if derived.column:
        _check_numeric(columns[derived.column], "running_sum", derived.column, derived.name, group)


def _check_numeric(
    column: ibis.Column, operation: str, name: str, feature: str, group: FeatureGroup
) -> None:
    if not column.type().is_numeric():
        raise SchemaError(
            f"feature {group.name}.{feature}: {operation} needs numbers, column "
            f"{name!r} of source {group.source!r} has {column.type()}; "
            "count or share with where instead"
        )


def _check_comparable(
    column: ibis.Column, name: str, values: tuple[Scalar, ...], feature: str
) -> None:
    kind = column.type()
    if isinstance(values[0], bool):
        fits = kind.is_boolean()
    elif isinstance(values[0], str):
        fits = kind.is_string()
    else:
        fits = kind.is_numeric()
    if not fits:
        raise SchemaError(
            f"feature {feature}: where compares column {name!r} of {kind} with {list(values)}; "
            "write values of the column's type"
        )
