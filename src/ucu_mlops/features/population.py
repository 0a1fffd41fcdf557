"""Who is worth scoring on a day: whoever did something lately."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
from ibis.expr import types as ir

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.events import EPOCH, shaped, with_days, within
from ucu_mlops.features.sources import source_table


@dataclass(frozen=True)
class ActiveOptions:
    """What counts as active.

    Attributes:
        source: The declared source whose events show activity.
        days: How many days back an event may lie, the day itself included; at least 1.
    """

    source: str
    days: int

    def __post_init__(self) -> None:
        """Refuse a window without a day."""
        if isinstance(self.days, bool) or not isinstance(self.days, int) or self.days < 1:
            raise ConfigurationError(
                f"population: days must be a whole number of at least 1, got {self.days!r}"
            )


def active_entities(
    options: ActiveOptions,
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    start: date,
    end: date,
) -> ibis.Table:
    """Say who was active on each day, as was known at its end.

    Args:
        options: What counts as active.
        declarations: Where the source is declared.
        source_tables: Tables by name.
        start: First day.
        end: Last day, included.

    Returns:
        Lazily, one row per entity and day with an event in the last ``days`` days that was
        ingested by the end of the day: ``entity_id`` string, ``as_of`` date.

    Raises:
        ConfigurationError: The source is not declared, or ``end`` lies before ``start``.
        SchemaError: The source's table or a column of it is missing.
    """
    if end < start:
        raise ConfigurationError(f"population: end must not be before start, got {start} to {end}")
    calendar = (
        ibis.range((start - EPOCH).days, (end - EPOCH).days + 1).unnest().name("day").as_table()
    )
    first, last = ibis.date(start.isoformat()), ibis.date(end.isoformat())
    return _active(options, declarations, source_tables, (first, last), calendar)


def active_within(
    options: ActiveOptions,
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    days: ibis.Table,
) -> ibis.Table:
    """Say the same for days that only the warehouse knows.

    Args:
        options: What counts as active.
        declarations: Where the source is declared.
        source_tables: Tables by name.
        days: One row per day: ``as_of`` (date).

    Returns:
        Lazily, as :func:`active_entities`.
    """
    ends = days["as_of"].min(), days["as_of"].max()
    calendar = days.select(day=days["as_of"].epoch_days())
    return _active(options, declarations, source_tables, ends, calendar)


def _active(
    options: ActiveOptions,
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    ends: tuple[ir.DateScalar, ir.DateScalar],
    calendar: ibis.Table,
) -> ibis.Table:
    source = declarations.source(options.source)
    events = shaped(source_table(source, source_tables, (), "the population"), source)
    recent = with_days(within(events, *ends, options.days))
    parts = recent.group_by("entity_id", "known").aggregate(occurred=recent["occurred"].max())
    # An event shows activity from the day it is known until its window is over.
    days = parts.join(
        calendar,
        [
            parts["known"] <= calendar["day"],
            calendar["day"] < parts["occurred"] + options.days,
        ],
    )
    # To DuckDB a date plus days is a moment, though Ibis takes it for a date.
    moment = ibis.timestamp(EPOCH.isoformat()) + days["day"].as_interval("D")
    return days.select("entity_id", as_of=moment.date()).distinct()
