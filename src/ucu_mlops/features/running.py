"""What is carried along from day to day: whole lives, and how many different values a window saw.

A life is as long as the data: joining each row to all days before it would grow with the square.
Instead each entity's changes are put in order once and merged along the way.

events → changes (entity, day on which they become known) → with the rows, in the order of days
→ running sums, smallest, largest
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import ibis
from ibis.expr.builders import WindowBuilder

from ucu_mlops.features.events import recent
from ucu_mlops.features.groups import Aggregate
from ucu_mlops.features.measures import measures_of, merge, named, value_of
from ucu_mlops.features.reader import Events
from ucu_mlops.features.trailing import KEYS, longest_of, seen_by, with_value

# Up to so many rows that see an event it is faster to let each look for itself than to carry along.
FEW = 5


@dataclass(frozen=True)
class Changes:
    """Changes of some columns.

    Attributes:
        table: ``entity_id``, ``day`` and the columns.
        merged_by: Column to ``sum``, ``min`` or ``max``.
    """

    table: ibis.Table
    merged_by: dict[str, str]


def running_features(events: Events, rows: ibis.Table, features: Sequence[Aggregate]) -> ibis.Table:
    """Compute what is carried along through lives: all but their spread.

    Args:
        events: Where the events are read.
        rows: One row per entity and day, as ``entity_days`` gives them.
        features: Those to compute.

    Returns:
        At least one row per row of ``rows``: ``entity_id``, ``day``, the features.
    """
    lives = [each for each in features if measures_of(each)]
    changes = [_life_changes(events.of(lives), lives)] if lives else []
    tops = [each for each in features if each.aggregate == "top_share"]
    changes += [_top_changes(events.of([each]), each) for each in tops]
    distinct = [each for each in features if each.aggregate == "distinct"]
    changes += [_first_seen(events.of([each]), each) for each in distinct]
    known = _run(changes, rows)
    names = named(lives)
    values = {
        each.name: value_of(
            each, {measure: known[names[measure]] for measure in measures_of(each)}, known["day"]
        )
        for each in lives
    }
    values |= {each.name: known[f"{each.name}_top"] / known[f"{each.name}_all"] for each in tops}
    rest = [each.name for each in features if each.name not in values]
    return known.select(*KEYS, **values, **{name: known[name] for name in rest})


def alike_by_value(features: Iterable[Aggregate]) -> list[list[Aggregate]]:
    """Put together the features that are about the same values and differ in their window."""

    def key(feature: Aggregate) -> str:
        return repr((feature.aggregate, feature.column, feature.where))

    return [list(alike) for _, alike in groupby(sorted(features, key=key), key)]


def _life_changes(events: ibis.Table, features: Sequence[Aggregate]) -> Changes:
    names = named(features)
    parts = events.group_by("entity_id", day=events["known"]).aggregate(
        **{name: measure.of(events) for measure, name in names.items()}
    )
    return Changes(parts, {name: measure.merged_by for measure, name in names.items()})


def _top_changes(events: ibis.Table, feature: Aggregate) -> Changes:
    """A value's count only grows, so the largest count so far is the top one's."""
    top, total = f"{feature.name}_top", f"{feature.name}_all"
    values = with_value(events, feature)
    parts = values.group_by("entity_id", "value", "known").aggregate(
        n=values.count().cast("float64")
    )
    counted = parts.mutate(so_far=parts["n"].sum().over(_so_far(["entity_id", "value"], "known")))
    changes = counted.group_by("entity_id", day=counted["known"]).aggregate(
        **{top: counted["so_far"].max(), total: counted["n"].sum()}
    )
    return Changes(changes, {top: "max", total: "sum"})


def _first_seen(events: ibis.Table, feature: Aggregate) -> Changes:
    """A life has seen a value from the day on which its first event is known."""
    values = with_value(events, feature)
    firsts = values.group_by("entity_id", "value").aggregate(day=values["known"].min())
    return _per_day(firsts, firsts["day"], {feature.name: ibis.literal(1.0)})


def distinct_in_sight(
    events: ibis.Table, rows: ibis.Table, features: Sequence[Aggregate]
) -> ibis.Table:
    """Count how many different values a window saw.

    Where few rows see an event each looks for itself; else counts are carried along.

    Args:
        events: One row per event, as ``Events.of`` gives them.
        rows: One row per entity and day.
        features: The same column and condition over several windows.

    Returns:
        One row per row that sees any value, or more: ``entity_id``, ``day``, the features.
    """
    longest = longest_of(features)
    values = with_value(recent(events, longest), features[0])
    alone = values["first"] == values["last"]
    # On average so many of the entity's rows see an event: each for ``longest`` of all those days.
    few = values["n_rows"] * longest <= FEW * (values["last"] - values["first"] + longest)
    seen = ibis.union(
        *(
            each.select(*KEYS, "value", age=each["day"] - each["occurred"])
            for each in (
                values.filter(alone).rename(day="last"),
                seen_by(values.filter(few, ~alone), rows, longest),
            )
        )
    )
    latest = seen.group_by(*KEYS, "value").aggregate(age=seen["age"].min())
    counted = latest.group_by(*KEYS).aggregate(
        **{each.name: (latest["age"] < each.window).sum().cast("float64") for each in features}
    )
    many = values.filter(~few)
    carried = _run(_spans(many, features), rows.semi_join(many, "entity_id"))
    return ibis.union(counted, carried.select(counted.columns))


def _spans(values: ibis.Table, features: Sequence[Aggregate]) -> list[Changes]:
    """A window sees a value from the day on which it is known until its latest event leaves it.

    So each day of becoming known opens a span of days, which ends when the window is over or with
    the value's next such day, whichever is first. How many spans cover a day is how many values
    its window saw; exact, because it is whole numbers that are added and taken away.
    """
    days = values.group_by("entity_id", "value", "known").aggregate(
        occurred=values["occurred"].max(),
        first=values["first"].max(),
        last=values["last"].max(),
    )
    order = {"group_by": ["entity_id", "value"], "order_by": "known"}
    spans = days.mutate(
        latest=days["occurred"].max().over(_so_far(["entity_id", "value"], "known")),
        following=days["known"].lead().over(ibis.window(**order)),
    )
    # Spans that no row sees are not worth counting.
    ends = {each.name: _end(spans, each.window) for each in features}
    seen = {name: (spans["known"] < end) & (spans["first"] < end) for name, end in ends.items()}
    opened = {name: ibis.ifelse(each, 1.0, 0.0) for name, each in seen.items()}
    changes = [_per_day(spans, spans["known"], opened)]
    for each in features:
        closed = spans.filter(seen[each.name], ends[each.name] <= spans["last"])
        minus = {each.name: ibis.literal(-1.0)}
        changes.append(_per_day(closed, _end(closed, each.window), minus))
    return changes


def _end(spans: ibis.Table, window: int | None) -> ibis.Column:
    over = spans["latest"] + window
    # LEAST of a null is null to BigQuery and the rest to DuckDB.
    return ibis.ifelse(spans["following"] < over, spans["following"], over)


def _per_day(spans: ibis.Table, day: ibis.Column, columns: dict[str, ibis.Value]) -> Changes:
    chosen = spans.select("entity_id", day=day, **columns)
    table = chosen.group_by(*KEYS).aggregate(**{name: chosen[name].sum() for name in columns})
    return Changes(table, dict.fromkeys(columns, "sum"))


def _run(changes: Sequence[Changes], rows: ibis.Table) -> ibis.Table:
    """Merge all changes up to each day that has any, and each row's day."""
    kinds = {name: each.table[name].type() for each in changes for name in each.merged_by}
    merged_by = {name: how for each in changes for name, how in each.merged_by.items()}
    tables = [each.table for each in changes] + [rows.select(*KEYS)]
    together = ibis.union(
        *(
            table.select(
                "entity_id",
                day=table["day"].cast("int32"),
                **{
                    name: table[name] if name in table.columns else ibis.null(kind)
                    for name, kind in kinds.items()
                },
            )
            for table in tables
        )
    )
    days = together.group_by(*KEYS).aggregate(
        **{name: merge(together[name], how) for name, how in merged_by.items()}
    )
    so_far = _so_far(["entity_id"], "day")
    return days.select(
        *KEYS, **{name: merge(days[name], how).over(so_far) for name, how in merged_by.items()}
    )


def _so_far(group: list[str], order: str) -> WindowBuilder:
    return ibis.window(group_by=group, order_by=order, preceding=None, following=0)
