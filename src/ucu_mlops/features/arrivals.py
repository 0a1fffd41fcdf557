"""How many events of each source arrived on a day, and on which day the last ones did."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
import pandas as pd

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.events import shaped
from ucu_mlops.features.sources import source_table


def last_arrival(
    declarations: Declarations, source_tables: Mapping[str, ibis.Table]
) -> date | None:
    """Find the last day on which an event of any declared source became known.

    Args:
        declarations: Where the sources are declared.
        source_tables: Tables by name.

    Returns:
        The day (UTC); None where nothing ever arrived.

    Raises:
        SchemaError: A source's table or a column of it is missing.
    """
    latest = []
    for source in declarations.sources.values():
        events = shaped(source_table(source, source_tables, (), "the last arrival"), source)
        latest.append(events.aggregate(day=events["known_at"].date().max()))
    found = pd.to_datetime(ibis.union(*latest).execute()["day"]).max()
    return None if pd.isna(found) else found.date()


def check_complete(as_of: date, arrived: date | None, decided: date | None) -> None:
    """Refuse a day that cannot be complete: its scores and decision would be about nothing.

    A day on which nothing arrived may be an outage, and is played: it follows one that is known.

    Args:
        as_of: The day.
        arrived: The last day on which anything became known, if there is one.
        decided: The last day that was decided about, if there is one.

    Raises:
        ConfigurationError: The day is later than the one after all that is known.
    """
    known = max((day for day in (arrived, decided) if day is not None), default=None)
    if known is not None and as_of > known + timedelta(days=1):
        raise ConfigurationError(
            f"{as_of} cannot be complete: the last day with arrivals or a decision is {known}; run "
            f"{known + timedelta(days=1)} first, or correct as_of"
        )


def count_arrivals(
    declarations: Declarations, source_tables: Mapping[str, ibis.Table], days: Sequence[date]
) -> ibis.Table:
    """Count the events of each declared source by the day on which they became known.

    Args:
        declarations: Where the sources are declared.
        source_tables: Tables by name.
        days: The days to count, at least one; UTC.

    Returns:
        Lazily, one row per source and day: ``source`` string, ``as_of`` date, ``rows`` int64;
        none where nothing arrived.

    Raises:
        SchemaError: A source's table or a column of it is missing.
    """
    counted = []
    for source in declarations.sources.values():
        events = shaped(source_table(source, source_tables, (), "the count of arrivals"), source)
        known = events.select(as_of=events["known_at"].date())
        wanted = known.filter(known["as_of"].isin(sorted(set(days))))
        rows = wanted.group_by("as_of").aggregate(rows=wanted.count())
        counted.append(
            rows.select(source=ibis.literal(source.name), as_of="as_of", rows=rows["rows"])
        )
    return ibis.union(*counted)
