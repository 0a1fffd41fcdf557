"""Windows of so many days: the days' parts are joined to each row that can see them.

events → one part per entity, day and day of becoming known → joined to rows → windows
"""

from collections.abc import Sequence

import ibis
from ibis.expr import types as ir

from ucu_mlops.features.events import OF, recent
from ucu_mlops.features.groups import Aggregate
from ucu_mlops.features.measures import (
    Measure,
    all_of,
    condition,
    kinds_of,
    measures_of,
    merge,
    named,
    numbers,
    value_of,
)

KEYS = ("entity_id", "day")
PART = ("entity_id", "occurred", "known")
SMALLEST_SPREAD = 1e-6


def trailing_measures(
    events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]
) -> ibis.Table:
    """Compute what merges from days: counts, sums, means, extremes, shares.

    Args:
        events: One row per event, as ``Events.of`` gives them.
        rows: One row per entity and day, as ``entity_days`` gives them.
        features: Those with measures and a window in days.

    Returns:
        One row per row that sees any event: ``entity_id``, ``day``, the features.
    """
    names = named(features)
    longest = longest_of(features)
    chosen = _coarse(recent(events, longest), features)
    parts = chosen.group_by(*PART).aggregate(
        **{name: measure.of(chosen) for measure, name in names.items()}
    )
    seen = seen_by(parts, rows, longest)
    seen = seen.mutate(
        **{
            name: seen[name] >> (seen["day"] - seen["occurred"])
            for measure, name in names.items()
            if measure.operation == "days"
        }
    )
    wanted = per_window(features)
    lies_in = in_windows(seen, features)
    merged = seen.group_by(*KEYS).aggregate(
        **{
            name: merge(seen[names[measure]], measure.merged_by, lies_in[window])
            for (measure, window), name in wanted.items()
        }
    )
    return merged.select(*KEYS, **values_of(merged, features))


def per_window(features: Sequence[Aggregate]) -> dict[tuple[Measure, int | None], str]:
    """Give each measure over each window that some feature needs a column's name."""
    names = named(features)
    return {
        (measure, feature.window): f"{names[measure]}_{feature.window or 'life'}"
        for feature in features
        for measure in measures_of(feature)
    }


def values_of(measured: ibis.Table, features: Sequence[Aggregate]) -> dict[str, ibis.Column]:
    """Return the features from a table of their measures, named as :func:`per_window` does."""
    wanted = per_window(features)
    return {
        feature.name: value_of(
            feature,
            {each: measured[wanted[each, feature.window]] for each in measures_of(feature)},
            measured["day"],
        )
        for feature in features
    }


def trailing_spread(
    events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]
) -> ibis.Table:
    """Compute standard deviations (of a sample; null for fewer than two values).

    From the events themselves: put together from days' squares they would lose all their digits
    beside one outlier.

    Returns:
        One row per row that sees any event: ``entity_id``, ``day``, the features.
    """
    longest = longest_of(features)
    seen = seen_by(recent(events, longest), rows, longest)
    lies_in = in_windows(seen, features)
    return seen.group_by(*KEYS).aggregate(
        **{
            feature.name: spread(
                numbers(seen[OF + str(feature.column)], feature.transform),
                all_of(condition(seen, feature.where), lies_in[feature.window]),
            )
            for feature in features
        }
    )


def spread(values: ibis.Column, where: ir.BooleanValue | None) -> ibis.Scalar:
    """Return the standard deviation of a sample; 0 below a millionth of the mean.

    There it is only what is left of rounding, which differs from run to run.
    """
    found, mean = values.std(where=where, how="sample"), values.mean(where=where)
    return ibis.ifelse(found <= mean.abs() * SMALLEST_SPREAD, 0.0, found)


def trailing_top_share(
    events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]
) -> ibis.Table:
    """Compute the most frequent value's share of the events that have a value.

    Args:
        events: One row per event.
        rows: One row per entity and day.
        features: The same column and condition over several windows.

    Returns:
        One row per row that sees any value: ``entity_id``, ``day``, the features.
    """
    longest = longest_of(features)
    values = with_value(recent(events, longest), features[0])
    parts = values.group_by(*PART, "value").aggregate(n=values.count().cast("float64"))
    seen = seen_by(parts, rows, longest)
    lies_in = in_windows(seen, features)
    of_each = seen.group_by(*KEYS, "value").aggregate(
        **{each.name: seen["n"].sum(where=lies_in[each.window]) for each in features}
    )
    return of_each.group_by(*KEYS).aggregate(
        **{each.name: of_each[each.name].max() / of_each[each.name].sum() for each in features}
    )


def with_value(events: ibis.Table, feature: Aggregate) -> ibis.Table:
    """Return the events that meet a feature's condition and have a ``value`` in its column."""
    meets = condition(events, feature.where)
    chosen = events if meets is None else events.filter(meets)
    chosen = chosen.select(
        *PART, "first", "last", "n_rows", value=kinds_of(chosen[OF + str(feature.column)])
    )
    return chosen.filter(chosen["value"].notnull())


def longest_of(features: Sequence[Aggregate]) -> int | None:
    """Return the longest window in days, None if one is the whole life."""
    windows = [each.window for each in features]
    return None if None in windows else max(each for each in windows if each is not None)


def _coarse(events: ibis.Table, features: Sequence[Aggregate]) -> ibis.Table:
    """Let the events of an entity with one row, and in the same windows, pass for one day's.

    Its row cannot tell them apart, and there are fewer parts to merge. They are taken for those of
    the latest day that the same windows see; ``before`` says how many days earlier each was.
    """
    days = events["last"]
    for window in sorted({each.window for each in features if each.window})[:-1]:
        outside = events["last"] - window
        days = ibis.ifelse(events["occurred"] <= outside, outside, days)
    alone = events["first"] == events["last"]
    days = ibis.ifelse(alone, days, events["occurred"])
    return events.mutate(occurred=days, before=days - events["occurred"])


def seen_by(parts: ibis.Table, rows: ibis.Table, longest: int | None) -> ibis.Table:
    """Put beside each row every part that was known by then and is not older than ``longest``."""
    meets = [rows["entity_id"] == parts["entity_id"], parts["known"] <= rows["day"]]
    if longest is not None:
        meets.append(parts["occurred"] > rows["day"] - longest)
    return rows.select(*KEYS).join(parts, meets).drop("entity_id_right")


def in_windows(
    seen: ibis.Table, features: Sequence[Aggregate]
) -> dict[int | None, ir.BooleanValue | None]:
    """Tell for each window what lies in it; None for the longest, for nothing older was read.

    Args:
        seen: One row per event or part, with ``occurred`` and the ``day`` that sees it.
        features: Those that the rows were read for.
    """
    longest = longest_of(features)
    windows = {each.window for each in features} - {None, longest}
    short = {window: seen["occurred"] > seen["day"] - window for window in windows}
    return {longest: None, **short}
