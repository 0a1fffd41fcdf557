"""What is known of an entity at the end of a day: its latest row."""

from collections.abc import Sequence

import ibis

from ucu_mlops.features.events import OF
from ucu_mlops.features.groups import Attribute
from ucu_mlops.features.measures import numbers
from ucu_mlops.features.trailing import KEYS


def latest_attributes(
    events: ibis.Table, rows: ibis.Table, attributes: Sequence[Attribute]
) -> ibis.Table:
    """Return the attributes of the row that occurred last among those known.

    Of rows that occurred at the same moment, the one known last counts (a correction); of those
    that became known together, the one with the largest values, so that it is always the same.

    Args:
        events: One row per row of the source, as ``Events.of`` gives them.
        rows: One row per entity and day, as ``entity_days`` gives them.
        attributes: The columns to take.

    Returns:
        One row per row that sees any: ``entity_id``, ``day``, the attributes (float64 or string).
    """
    columns = [OF + each.name for each in attributes]
    daily = _latest(events, ["entity_id", "known"], columns)
    seen = (
        rows.select(*KEYS)
        .join(daily, [rows["entity_id"] == daily["entity_id"], daily["known"] <= rows["day"]])
        .drop("entity_id_right")
    )
    latest = _latest(seen, list(KEYS), columns)
    return latest.select(*KEYS, **{each.name: _read(latest, each) for each in attributes})


def _latest(events: ibis.Table, group: list[str], columns: list[str]) -> ibis.Table:
    order = [events[name].desc() for name in ("occurred_at", "known_at", *columns)]
    place = ibis.row_number().over(ibis.window(group_by=group, order_by=order))
    numbered = events.mutate(place=place)
    return numbered.filter(numbered["place"] == 0).drop("place")


def _read(table: ibis.Table, attribute: Attribute) -> ibis.Column:
    column = table[OF + attribute.name]
    return numbers(column) if attribute.kind == "numeric" else column.cast("string")
