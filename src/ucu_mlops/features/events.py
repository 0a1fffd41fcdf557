"""Bring a source's rows into one shape: who, on which day, known from which day on.

Days are numbers (days since 1970-01-01, UTC): both warehouses compare and order them alike. Rows
without entity or time are left out, for nobody can say whose they are or when they were known.
"""

from collections.abc import Mapping

import ibis
from ibis.expr import datatypes as dt
from ibis.expr import types as ir

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.groups import FeatureGroup, Source
from ucu_mlops.features.sources import (
    DERIVED,
    check_types,
    columns_of,
    needs_moments,
    source_table,
)

MICROSECONDS_PER_HOUR = 3_600_000_000
MICROSECONDS_PER_DAY = 24 * MICROSECONDS_PER_HOUR
OF = "of_"  # before a source's column, so that none is taken for one of ours


def entity_days(spine: ibis.Table) -> ibis.Table:
    """Return the entities and days to compute, each once.

    Args:
        spine: Needs ``entity_id`` and ``as_of`` (a date, or a moment in the day).

    Returns:
        One row per entity and day: ``name`` string (the spine's ``entity_id``), ``as_of`` date,
        ``entity_id`` int32 (a number of the entity's, which is faster to group by) and ``day``
        int32.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted({"entity_id", "as_of"} - set(spine.columns)):
        raise SchemaError(f"the spine of features needs {missing}; got {list(spine.columns)}")
    keys = spine.select(name=spine["entity_id"].cast("string"), as_of=spine["as_of"].cast("date"))
    keys = keys.filter(keys["name"].notnull(), keys["as_of"].notnull()).distinct()
    number = ibis.dense_rank().over(ibis.window(order_by="name"))
    return keys.mutate(entity_id=number.cast("int32"), day=keys["as_of"].epoch_days().cast("int32"))


def group_events(
    group: FeatureGroup, source: Source, tables: Mapping[str, ibis.Table], rows: ibis.Table
) -> ibis.Table:
    """Read the events that can matter to a group, with the columns it needs.

    Args:
        group: Whose columns to take along, and how far back to look.
        source: The group's source.
        tables: Tables by name.
        rows: As :func:`entity_days` gives them.

    Returns:
        One row per event: ``entity_id`` int32 as in ``rows``, ``occurred_at`` and ``known_at``
        (timestamps; where the group needs moments), ``occurred`` and ``known`` (int32, days), each
        needed column under ``of_<column>``, and ``first`` and ``last`` (int32), the entity's first
        and last day among the rows. What was known before ``first`` is known from it.

    Raises:
        SchemaError: The table or a column is missing, or a column is of the wrong type.
    """
    wanted = columns_of(group)
    given = [name for name in wanted if name not in DERIVED]
    table = source_table(source, tables, given, f"group {group.name!r}")
    events = shaped(table, source, {OF + name: table[name] for name in given})
    events = within(events, rows["as_of"].min(), rows["as_of"].max(), group.longest)
    derived = _derived(events)
    events = events.mutate(**{OF + name: derived[name] for name in wanted if name in derived})
    check_types({name: events[OF + name] for name in wanted}, group)
    spans = rows.group_by("name", "entity_id").aggregate(
        first=rows["day"].min(), last=rows["day"].max()
    )
    # A join ends what Ibis merges: one common table, made once for all that follows. What it
    # holds costs memory for each event: moments only where somebody asks for them.
    moments = ["occurred_at", "known_at"] if needs_moments(group) else []
    events = events.rename(name="entity_id").join(spans, "name")
    events = events.select(
        *("entity_id", *moments, "occurred", "known", "first", "last"),
        *(OF + name for name in wanted),
    )
    # Whatever was known before the entity's first row is all the same to it: fewer days to carry.
    events = events.mutate(known=ibis.greatest(events["known"], events["first"]))
    return recent(events.filter(events["known"] <= events["last"]), group.longest)


def _derived(events: ibis.Table) -> dict[str, ibis.Column]:
    """Return what :data:`DERIVED` names, from numbers: DuckDB's own way is many times slower."""
    hours = _microseconds(events["occurred_at"]) // MICROSECONDS_PER_HOUR
    date = ibis.date("1970-01-01") + events["occurred"].as_interval("D")
    return {"occurred_hour": hours % 24, "occurred_date": date.cast("date")}


def recent(events: ibis.Table, longest: int | None) -> ibis.Table:
    """Leave out what is older than the window of the entity's first row."""
    if longest is None:
        return events
    return events.filter(events["occurred"] > events["first"] - longest)


def shaped(
    table: ibis.Table, source: Source, columns: Mapping[str, ibis.Column] | None = None
) -> ibis.Table:
    """Select entity, moments and some columns of a source's table."""
    events = table.select(
        entity_id=table[source.entity].cast("string"),
        occurred_at=_in_utc(table[source.occurred]),
        known_at=_in_utc(table[source.known]),
        **(columns or {}),
    )
    return events.filter(*(events[name].notnull() for name in events.columns[:3]))


def within(
    events: ibis.Table, first: ir.DateScalar, last: ir.DateScalar, longest: int | None
) -> ibis.Table:
    """Keep what can count on any day from ``first`` to ``last``, and add the events' days.

    Args:
        events: As :func:`shaped` gives them.
        first: First day.
        last: Last day.
        longest: The longest window in days; None for the whole life.

    Returns:
        The events with ``occurred`` and ``known`` (int32, days since 1970-01-01). An event
        ingested before it occurred is known from the day it occurred.
    """
    # Moments are compared as they are, days made of the few that are left.
    at, known_at = events["occurred_at"], events["known_at"]
    end = last + ibis.interval(days=1)
    meets = [known_at < _moment(end, known_at), at < _moment(end, at)]
    if longest is not None:  # and first what leaves out most
        meets.insert(0, at >= _moment(first - ibis.interval(days=longest - 1), at))
    chosen = events.filter(*meets)
    occurred = _day(chosen["occurred_at"])
    known = ibis.greatest(occurred, _day(chosen["known_at"]))
    return chosen.mutate(occurred=occurred.cast("int32"), known=known.cast("int32"))


@ibis.udf.scalar.builtin(name="UNIX_MICROS", signature=((dt.Timestamp(timezone="UTC"),), dt.int64))
def _microseconds(moment):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count from 1970-01-01; sqlglot writes it as each warehouse calls it."""


def _day(moment: ibis.Column) -> ibis.Column:
    """Return the UTC day's number; asking DuckDB for the date costs fifty times as much."""
    return _microseconds(moment) // MICROSECONDS_PER_DAY


def _moment(day: ir.DateScalar, like: ibis.Column) -> ir.TimestampScalar:
    return day.cast("date").cast(like.type()).as_scalar()


def _in_utc(moment: ibis.Column) -> ibis.Column:
    """Take a moment without time zone for one in UTC."""
    return moment if moment.type().timezone else moment.cast("timestamp('UTC', 6)")
