"""How many events of each source arrived on a day: what a feed that loses some is told by."""

from collections.abc import Mapping, Sequence
from datetime import date

import ibis

from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.events import shaped
from ucu_mlops.features.sources import source_table


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
    return ibis.union(*counted) if len(counted) > 1 else counted[0]
