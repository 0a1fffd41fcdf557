"""Bring a source's rows into one shape: who, on which day, known from which day on.

Days are numbers (days since 1970-01-01, UTC): both warehouses compare and order them alike. Rows
without entity or time are left out, for nobody can say whose they are or when they were known.
"""

from collections.abc import Mapping
from datetime import date

import ibis
from ibis.expr import datatypes as dt
from ibis.expr import types as ir

from ucu_mlops.features.groups import Source

EPOCH = date(1970, 1, 1)
MICROSECONDS_PER_HOUR = 3_600_000_000
MICROSECONDS_PER_DAY = 24 * MICROSECONDS_PER_HOUR
OF = "of_"  # before a source's column, so that none is taken for one of ours


def day_number(day: date) -> ir.IntegerScalar:
    """Return a day as days since 1970-01-01."""
    return ibis.literal((day - EPOCH).days, "int32")


def derived_columns(events: ibis.Table) -> dict[str, ibis.Column]:
    """Return what :data:`DERIVED` names, from numbers: DuckDB's own way is many times slower."""
    hours = _microseconds(events["occurred_at"]) // MICROSECONDS_PER_HOUR
    days = ibis.date(EPOCH.isoformat()) + events["occurred"].as_interval("D")
    return {"occurred_hour": hours % 24, "occurred_date": days.cast("date")}


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
    """Keep what can count on any day from ``first`` to ``last``.

    Args:
        events: As :func:`shaped` gives them.
        first: First day.
        last: Last day.
        longest: The longest window in days; None for the whole life.
    """
    # Moments are compared as they are: days are made of the few that are left.
    at, known_at = events["occurred_at"], events["known_at"]
    end = last + ibis.interval(days=1)
    meets = [known_at < _moment(end, known_at), at < _moment(end, at)]
    if longest is not None:  # and first what leaves out most
        meets.insert(0, at >= _moment(first - ibis.interval(days=longest - 1), at))
    return events.filter(*meets)


def with_days(events: ibis.Table) -> ibis.Table:
    """Add ``occurred`` and ``known``, int32, days since 1970-01-01.

    An event ingested before it occurred is known from the day it occurred.
    """
    occurred = day_of(events["occurred_at"])
    known = ibis.greatest(occurred, day_of(events["known_at"]))
    return events.mutate(occurred=occurred.cast("int32"), known=known.cast("int32"))


@ibis.udf.scalar.builtin(name="UNIX_MICROS", signature=((dt.Timestamp(timezone="UTC"),), dt.int64))
def _microseconds(moment):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count from 1970-01-01; sqlglot writes it as each warehouse calls it."""


def day_of(moment: ibis.Column) -> ibis.Column:
    """Return the UTC day's number; asking DuckDB for the date costs fifty times as much."""
    return _microseconds(moment) // MICROSECONDS_PER_DAY


def _moment(day: ir.DateScalar, like: ibis.Column) -> ir.TimestampScalar:
    return day.cast("date").cast(like.type()).as_scalar()


def _in_utc(moment: ibis.Column) -> ibis.Column:
    """Take a moment without time zone for one in UTC."""
    return moment if moment.type().timezone else moment.cast("timestamp('UTC', 6)")
