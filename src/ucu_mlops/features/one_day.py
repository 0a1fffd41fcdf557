"""What the rows of a single day see: nothing is put together from days, so nothing is kept of them.

events → per entity, each window a condition → measures
       → per entity and value, how long ago it was last → different values
"""

from collections.abc import Sequence
from datetime import date

import ibis

from ucu_mlops.features.events import day_number
from ucu_mlops.features.groups import Aggregate
from ucu_mlops.features.trailing import KEYS, in_windows, per_window, values_of, with_value


def measures_of_day(events: ibis.Table, features: Sequence[Aggregate], day: date) -> ibis.Table:
    """Compute what has measures: counts, sums, means, extremes, shares, times since, days.

    Args:
        events: One row per event, as ``Events.of`` gives them for the only day.
        features: Those to compute.
        day: That day.

    Returns:
        One row per entity that has any event: ``entity_id``, ``day``, the features.
    """
    events = events.mutate(day=events["last"], before=events["last"] - events["occurred"])
    wanted = per_window(features)
    lies_in = in_windows(events, features)
    measured = events.group_by("entity_id").aggregate(
        **{name: measure.of(events, lies_in[window]) for (measure, window), name in wanted.items()}
    )
    measured = measured.mutate(day=day_number(day))
    return measured.select(*KEYS, **values_of(measured, features))


def distinct_of_day(events: ibis.Table, features: Sequence[Aggregate], day: date) -> ibis.Table:
    """Count different values: a window has seen a value if it was there lately enough.

    Args:
        events: One row per event, as ``Events.of`` gives them for the only day.
        features: The same column and condition over several windows.
        day: That day.

    Returns:
        One row per entity that has any value: ``entity_id``, ``day``, the features.
    """
    values = with_value(events, features[0])
    latest = values.group_by("entity_id", "value").aggregate(
        age=(values["last"] - values["occurred"]).min()
    )
    counted = latest.group_by("entity_id").aggregate(
        **{
            each.name: latest.count(
                where=None if each.window is None else latest["age"] < each.window
            ).cast("float64")
            for each in features
        }
    )
    return counted.mutate(day=day_number(day))
