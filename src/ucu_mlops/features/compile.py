"""A declared group to one lazy expression, the same for a range of days and for single moments.

events ┬→ trailing windows ─┐
       ├→ running lives ────┤
       ├→ sequences ────────┼→ joined to the rows → ratios → features and their definition
       └→ latest attributes ┘
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import ibis

from ucu_mlops.features.attributes import latest_attributes
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.groups import Aggregate, FeatureGroup, Ratio
from ucu_mlops.features.measures import measures_of
from ucu_mlops.features.one_day import distinct_of_day, measures_of_day
from ucu_mlops.features.reader import Events, entity_days, read_events
from ucu_mlops.features.running import alike_by_value, distinct_in_sight, running_features
from ucu_mlops.features.sequences import (
    alike_by_window,
    derived_features,
    registered_feature,
)
from ucu_mlops.features.trailing import (
    KEYS,
    trailing_measures,
    trailing_spread,
    trailing_top_share,
)

ZERO_OF_NOTHING = ("count", "sum", "distinct")


def group_table(
    group: FeatureGroup,
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    spine: ibis.Table,
    day: date | None = None,
) -> ibis.Table:
    """Compute a group's features for the entities and days asked for, as known at each day's end.

    An event counts for day D and a window of w days if it occurred on D or one of the w - 1 days
    before and was ingested by the end of D. NaN, the infinities and numbers beyond 1e150 count as
    null. Sums and counts of nothing are 0; means, extremes, shares and times of nothing are null.

    Args:
        group: What to compute.
        declarations: Where the group's source is declared.
        source_tables: Tables by name.
        spine: Needs ``entity_id`` and ``as_of`` (date, meaning its end, UTC).
        day: The only day to compute, which costs less; None for all that the spine has.

    Returns:
        Lazily, one row per entity and day of the spine: ``entity_id`` string, ``as_of`` date, the
        features (numeric float64, categorical string) and ``definition`` string.

    Raises:
        ConfigurationError: The group's source is not declared.
        SchemaError: A table or column is missing, or of the wrong type.
    """
    rows = entity_days(spine, day)
    source = declarations.source(group.source)
    events = read_events(group, source, source_tables, rows, day)
    table = rows
    for number, part in enumerate(_parts(group, events, rows)):
        # One chain of joins, each part's keys under names of their own: nested, the statement
        # would grow too deep to read and slow to write.
        meets = [rows[key] == part[key] for key in KEYS]
        table = table.left_join(part, meets, rname=f"{{name}}_{number}")
    counted = [each.name for each in group.aggregates if each.aggregate in ZERO_OF_NOTHING]
    plain = [each.name for each in group.features if not isinstance(each, Ratio)]
    values = {
        name: table[name].fill_null(0.0) if name in counted else table[name] for name in plain
    }
    described = table.select("as_of", entity_id=rows["name"], **values)
    ratios = {
        each.name: described[each.numerator] / described[each.denominator].nullif(0.0)
        for each in group.ratios
    }
    described = described.mutate(**ratios, definition=ibis.literal(group.definition))
    names = [feature.name for feature in group.features]
    return described.select("entity_id", "as_of", *names, "definition")


def _parts(group: FeatureGroup, events: Events, rows: ibis.Table) -> list[ibis.Table]:
    derived = [each for each in group.aggregates if each.derived and not each.code]
    registered = [each for each in group.aggregates if each.code]
    plain = [each for each in group.aggregates if not each.derived and not each.code]
    spreads = [each for each in plain if each.aggregate == "std"]
    merging = [each for each in plain if each.aggregate != "std"]
    parts = [derived_features(events.of(alike), rows, alike) for alike in alike_by_window(derived)]
    parts += [registered_feature(events.of([each]), rows, each) for each in registered]
    if spreads:
        parts.append(trailing_spread(events.of(spreads), rows, spreads))
    if group.attributes:
        parts.append(latest_attributes(events.of(group.attributes), rows, group.attributes))
    if events.day is None:
        return [*parts, *_of_days(merging, events, rows)]
    return [*parts, *_of_one_day(merging, events, rows, events.day)]


def _of_days(
    features: Sequence[Aggregate], events: Events, rows: ibis.Table
) -> Iterator[ibis.Table]:
    trailing = [each for each in features if each.window is not None]
    measured = [each for each in trailing if measures_of(each)]
    tops = [each for each in trailing if each.aggregate == "top_share"]
    distinct = [each for each in trailing if each not in (*measured, *tops)]
    running = [each for each in features if each.window is None]
    for alike in alike_by_value(tops):
        yield trailing_top_share(events.of(alike), rows, alike)
    for alike in alike_by_value(distinct):
        yield distinct_in_sight(events.of(alike), rows, alike)
    if measured:
        yield trailing_measures(events.of(measured), rows, measured)
    if running:
        yield running_features(events, rows, running)


def _of_one_day(
    features: Sequence[Aggregate], events: Events, rows: ibis.Table, day: date
) -> Iterator[ibis.Table]:
    measured = [each for each in features if measures_of(each)]
    if measured:
        yield measures_of_day(events.of(measured), measured, day)
    for alike in alike_by_value(each for each in features if not measures_of(each)):
        if alike[0].aggregate == "top_share":
            yield trailing_top_share(events.of(alike), rows, alike)
        else:
            yield distinct_of_day(events.of(alike), alike, day)
