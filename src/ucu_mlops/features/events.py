"""Bring a source's rows into one shape: who, on which day, known from which day on.

Days are numbers (days since 1970-01-01, UTC): both warehouses compare and order them alike.
"""

from collections.abc import Mapping

import ibis

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.groups import Aggregate, FeatureGroup, Scalar, Source

# Made from the moment of the event: an hour of the day, or a day to count, never a date to learn.
DERIVED = ("occurred_hour", "occurred_date")
NUMBERS_ONLY = ("sum", "mean", "min", "max", "std")
OF = "of_"  # before a source's column, so that none is taken for one of ours


def entity_days(spine: ibis.Table) -> ibis.Table:
    """Return the entities and days to compute, each once.

    Args:
        spine: Needs ``entity_id`` and ``as_of`` (a date, or a moment in the day).

    Returns:
        One row per entity and day: ``entity_id`` string, ``as_of`` date, ``day`` int64.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted({"entity_id", "as_of"} - set(spine.columns)):
        raise SchemaError(f"the spine of features needs {missing}; got {list(spine.columns)}")
    keys = spine.select(
        entity_id=spine["entity_id"].cast("string"), as_of=spine["as_of"].cast("date")
    )
    keys = keys.filter(keys["entity_id"].notnull(), keys["as_of"].notnull()).distinct()
    return keys.mutate(day=keys["as_of"].epoch_days())


def known_events(
    group: FeatureGroup, source: Source, tables: Mapping[str, ibis.Table], rows: ibis.Table
) -> ibis.Table:
    """Read the events that can matter to a group, with the columns it needs.

    Args:
        group: Whose columns to take along, and how far back to look.
        source: The group's source.
        tables: Tables by name.
        rows: As :func:`entity_days` gives them; events of other entities, after the last day or
            before the first day's longest window are left out before anything is computed.

    Returns:
        One row per event: ``entity_id`` string, ``occurred_at`` and ``known_at`` (timestamps),
        ``occurred`` and ``known`` (int64, days) and each needed column under ``of_<column>``.

    Raises:
        SchemaError: The table or a column is missing, or a column is of the wrong type.
    """
    wanted = _columns(group)
    given = [name for name in wanted if name not in DERIVED]
    table = source_table(source, tables, given, f"group {group.name!r}")
    _check_types(table, group)
    first, last = rows["as_of"].min(), rows["as_of"].max()
    if group.longest is not None:
        table = occurred_from(table, source, first - ibis.interval(days=group.longest - 1))
    table = known_by(table, source, last)
    table = table.filter(table[source.entity].cast("string").isin(rows["entity_id"]))
    at = table[source.occurred]
    derived = {"occurred_hour": at.hour(), "occurred_date": at.date()}
    return timed(table, source).select(
        *SHAPE, **{OF + name: derived[name] if name in derived else table[name] for name in wanted}
    )


def source_table(
    source: Source, tables: Mapping[str, ibis.Table], columns: Sequence[str], user: str
) -> ibis.Table:
    """Return a source's table after a look at its columns.

    Args:
        source: The declared source.
        tables: Tables by name.
        columns: What is needed besides the source's own columns.
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
            f"{sorted(table.columns)}; correct the table or conf/<env>/features/"
        )
    for name in (source.occurred, source.known):
        if not table[name].type().is_timestamp():
            raise SchemaError(
                f"source table {source.name!r}: {name!r} must be a timestamp, "
                f"got {table[name].type()}, which {user} needs"
            )
    return table


def _columns(group: FeatureGroup) -> list[str]:
    names = {column for each in group.aggregates for column, _ in each.where}
    names |= {each.column for each in group.aggregates if each.column}
    names |= {each.name for each in group.attributes}
    return sorted(names)


def _check(source: Source, table: ibis.Table, needed: list[str], user: str) -> None:
    if missing := sorted(set(needed) - set(table.columns)):
        raise SchemaError(
            f"source table {source.name!r} lacks {missing}, which {user} needs; it has "
            f"{sorted(table.columns)}; correct the table or conf/<env>/features/"
        )
    for name in (source.occurred, source.ingested):
        if name and not table[name].type().is_timestamp():
            raise SchemaError(
                f"source table {source.name!r}: {name!r} must be a timestamp, "
                f"got {table[name].type()}, which {user} needs"
            )


def _check_types(events: ibis.Table, group: FeatureGroup) -> None:
    for each in group.aggregates:
        for column, values in each.where:
            _check_comparable(events[OF + column], column, values, f"{group.name}.{each.name}")
        if each.aggregate in NUMBERS_ONLY:
            _check_numeric(events, str(each.column), each, group)
    for attribute in group.attributes:
        kind = events[OF + attribute.name].type()
        if attribute.kind == "numeric" and not kind.is_numeric():
            raise SchemaError(
                f"attribute {group.name}.{attribute.name} must be a number, source "
                f"{group.source!r} has {kind}; declare it categorical"
            )


def _check_numeric(
    events: ibis.Table, column: str, feature: Aggregate, group: FeatureGroup
) -> None:
    kind = events[OF + column].type()
    if not kind.is_numeric() or kind.is_boolean():
        raise SchemaError(
            f"feature {group.name}.{feature.name}: {feature.aggregate} needs numbers, column "
            f"{column!r} of source {group.source!r} has {kind}; count or share with where instead"
        )


def _check_comparable(
    column: ibis.Column, name: str, values: tuple[Scalar, ...], feature: str
) -> None:
    kind = column.type()
    first = values[0]
    fits = (
        kind.is_boolean()
        if isinstance(first, bool)
        else kind.is_string()
        if isinstance(first, str)
        else kind.is_numeric() and not kind.is_boolean()
    )
    if not fits:
        raise SchemaError(
            f"feature {feature}: where compares column {name!r} of {kind} with {list(values)}; "
            "write values of the column's type"
        )
