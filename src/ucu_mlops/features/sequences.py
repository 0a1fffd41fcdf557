"""Features that need the events themselves: registered functions, and columns derived from order.

events → what each row may see of one window → derived columns → aggregates, registered functions
"""

from collections.abc import Iterable, Sequence

import ibis

from ucu_mlops.features.events import OF, recent
from ucu_mlops.features.functions import REGISTERED
from ucu_mlops.features.groups import Aggregate, Condition, Derived
from ucu_mlops.features.measures import condition, kinds_of, numbers
from ucu_mlops.features.trailing import KEYS, seen_by, spread

DERIVED = "derived_"


def derived_features(
    events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]
) -> ibis.Table:
    """Aggregate derived columns.

    A window's columns are derived from the window's events alone, so that a feature does not hang
    on what other features look at.

    Args:
        events: One row per event, as ``Events.of`` gives them.
        rows: One row per entity and day, as ``entity_days`` gives them.
        features: Those of one window that are about derived columns.

    Returns:
        One row per row that sees any event: ``entity_id``, ``day``, the features.
    """
    seen = _sequence(events, rows, features)
    return seen.group_by(*KEYS).aggregate(
        **{feature.name: _aggregated(seen, feature) for feature in features}
    )


def registered_feature(events: ibis.Table, rows: ibis.Table, feature: Aggregate) -> ibis.Table:
    """Compute one feature by the Python function that its aggregate names.

    Args:
        events: One row per event.
        rows: One row per entity and day.
        feature: What to compute.

    Returns:
        One row per row for which there is a value: ``entity_id``, ``day``, the feature.
    """
    registered = REGISTERED[feature.aggregate]
    seen = _sequence(events, rows, [feature])
    meets = condition(seen, feature.where)
    chosen = seen if meets is None else seen.filter(meets)
    columns = [*KEYS, "occurred", "second"]
    if registered.needs == "nothing":
        chosen = chosen.select(*columns)
    else:
        chosen = chosen.select(*columns, value=_values(chosen, feature, registered.needs))
        chosen = chosen.filter(chosen["value"].notnull())
    found = registered.compute(chosen)
    return found.select(*KEYS, **{feature.name: found["result"].cast("float64")})


def alike_by_window(features: Iterable[Aggregate]) -> list[list[Aggregate]]:
    """Put together the features of the same window."""
    windows: dict[int | None, list[Aggregate]] = {}
    for feature in features:
        windows.setdefault(feature.window, []).append(feature)
    return list(windows.values())


def _sequence(events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]) -> ibis.Table:
    """Put beside each row the events that it sees in the features' window, and derive columns."""
    window = features[0].window
    timed = events.mutate(second=events["occurred_at"].truncate("s").epoch_seconds())
    seen = seen_by(recent(timed, window), rows, window)
    derived = dict.fromkeys(each.derived for each in features if each.derived)
    columns = {DERIVED + each.name: _derive(seen, each) for each in derived}
    return seen.mutate(**columns) if columns else seen


def _derive(seen: ibis.Table, derived: Derived) -> ibis.Column:
    # Frames over whole seconds as numbers, the only ones that BigQuery has; they take in all
    # events of a second, so their order among each other does not matter.
    order = {"group_by": list(KEYS), "order_by": "second"}
    if derived.made_by == "seconds_since":
        earlier = ibis.range_window(preceding=(None, 1), **order)
        moments = _only(seen["second"], condition(seen, derived.where))
        return (seen["second"] - moments.max().over(earlier)).cast("float64")
    so_far = ibis.range_window(preceding=None, following=0, **order)
    values = numbers(seen[OF + str(derived.column)]).fill_null(0.0)
    return (_times(seen, derived.where, derived.minus) * values).sum().over(so_far)


def _times(seen: ibis.Table, plus: Condition, minus: Condition) -> ibis.Column:
    """Say how often an event's value counts: 1, -1 or not at all."""
    added, taken = condition(seen, plus), condition(seen, minus)
    if taken is None:
        return ibis.literal(1.0) if added is None else ibis.ifelse(added, 1.0, 0.0)
    rest = ibis.literal(1.0) if added is None else ibis.ifelse(added, 1.0, 0.0)
    return ibis.ifelse(taken, -1.0, rest)


def _only(column: ibis.Column, meets: ibis.Value | None) -> ibis.Column:
    return column if meets is None else ibis.ifelse(meets, column, ibis.null(column.type()))


def _values(seen: ibis.Table, feature: Aggregate, needs: str) -> ibis.Column:
    if feature.derived:
        return seen[DERIVED + feature.derived.name]
    column = seen[OF + str(feature.column)]
    return numbers(column) if needs == "numbers" else kinds_of(column)


def _aggregated(seen: ibis.Table, feature: Aggregate) -> ibis.Scalar:
    values = _values(seen, feature, "numbers")
    meets = condition(seen, feature.where)
    if feature.aggregate == "std":
        return spread(values, meets)
    return getattr(values, feature.aggregate)(where=meets)
