"""Read the events that a group's features need, beside the entities and days to compute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import ibis
from ibis.expr import types as ir

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.events import (
    OF,
    day_number,
    derived_columns,
    recent,
    shaped,
    with_days,
    within,
)
from ucu_mlops.features.groups import Feature, FeatureGroup, Source
from ucu_mlops.features.sources import (
    DERIVED,
    check_names,
    check_types,
    columns_of,
    needs_moments,
    source_table,
)


def entity_days(spine: ibis.Table, day: date | None = None) -> ibis.Table:
    """Return the entities and days to compute, each once.

    Args:
        spine: Needs ``entity_id`` and ``as_of`` (a date, or a moment in the day).
        day: The only day to compute; None for all that the spine has.

    Returns:
        One row per entity and day: ``name`` string (the spine's ``entity_id``), ``as_of`` date,
        ``entity_id`` (a number of the entity's, int32, which is faster to group by; with ``day``
        its name, for then nothing is joined before it is grouped) and ``day`` int32.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted({"entity_id", "as_of"} - set(spine.columns)):
        raise SchemaError(f"the spine of features needs {missing}; got {list(spine.columns)}")
    keys = spine.select(name=spine["entity_id"].cast("string"), as_of=spine["as_of"].cast("date"))
    keys = keys.filter(keys["name"].notnull(), keys["as_of"].notnull())
    if day is not None:
        names = keys.filter(keys["as_of"] == day).select("name").distinct()
        as_of = ibis.date(day.isoformat())
        return names.mutate(as_of=as_of, entity_id=names["name"], day=day_number(day))
    keys = keys.distinct()
    number = ibis.dense_rank().over(ibis.window(order_by="name"))
    return keys.mutate(entity_id=number.cast("int32"), day=keys["as_of"].epoch_days().cast("int32"))


@dataclass(frozen=True)
class Events:
    """Reads the events that can matter to a group's features.

    Attributes:
        group: Whose features are computed.
        source: The group's source.
        table: The source's table.
        rows: As :func:`entity_days` gives them.
        day: Their only day; None if there may be others.
    """

    group: FeatureGroup
    source: Source
    table: ibis.Table
    rows: ibis.Table
    day: date | None

    def of(self, features: Sequence[Feature]) -> ibis.Table:
        """Read events with, at least, the columns that some of the group's features need.

        Returns:
            One row per event: ``entity_id`` as in ``rows``, ``occurred_at`` and ``known_at``
            (timestamps; where a feature needs moments), ``occurred`` and ``known`` (int32, days),
            each needed column under ``of_<column>``, and ``first`` and ``last`` (int32), the
            entity's first and last day among the rows. What was known before ``first`` is known
            from it.
        """
        if self.day is None:
            # A join ends what Ibis merges: one common table, made once for all that follows.
            return self._of_spans(self.group)
        # Without one, the columns that a part needs are read for it and never kept.
        return self._of_day(replace(self.group, features=tuple(features)), self.day)

    def _of_day(self, part: FeatureGroup, day: date) -> ibis.Table:
        at = ibis.date(day.isoformat())
        number = day_number(day)
        events = with_days(self._read(part, at, at))
        return _chosen(events.mutate(known=number, first=number, last=number, n_rows=1), part)

    def _of_spans(self, part: FeatureGroup) -> ibis.Table:
        rows = self.rows
        events = self._read(part, rows["as_of"].min(), rows["as_of"].max())
        spans = rows.group_by("name", "entity_id").aggregate(
            first=rows["day"].min(), last=rows["day"].max(), n_rows=rows.count().cast("int32")
        )
        # Joined first: days are made only of what concerns the rows' entities.
        joined = events.rename(name="entity_id").join(spans, "name").drop("name")
        events = _chosen(with_days(joined), part)
        # Whatever was known before the first row is all the same to it: fewer days to carry.
        events = events.mutate(known=ibis.greatest(events["known"], events["first"]))
        events = events.filter(events["known"] <= events["last"])
        return recent(events, part.longest)

    def _read(self, part: FeatureGroup, first: ir.DateScalar, last: ir.DateScalar) -> ibis.Table:
        given = [name for name in columns_of(part) if name not in DERIVED]
        events = shaped(self.table, self.source, {OF + name: self.table[name] for name in given})
        return within(events, first, last, part.longest)


def read_events(
    group: FeatureGroup,
    source: Source,
    tables: Mapping[str, ibis.Table],
    rows: ibis.Table,
    day: date | None,
) -> Events:
    """Look whether a group's source has all that the group needs, and return its reader.

    Raises:
        SchemaError: The table or a column is missing, or a column is of the wrong type.
    """
    wanted = columns_of(group)
    given = [name for name in wanted if name not in DERIVED]
    table = source_table(source, tables, given, f"group {group.name!r}")
    check_names(table, group)
    events = shaped(table, source)
    derived = derived_columns(with_days(events))
    check_types({name: table[name] if name in given else derived[name] for name in wanted}, group)
    return Events(group, source, table, rows, day)


def _chosen(events: ibis.Table, part: FeatureGroup) -> ibis.Table:
    wanted = columns_of(part)
    derived = derived_columns(events)
    events = events.mutate(**{OF + name: derived[name] for name in wanted if name in derived})
    # What a common table holds costs memory for each event: moments only if somebody asks.
    moments = ["occurred_at", "known_at"] if needs_moments(part) else []
    return events.select(
        *("entity_id", *moments, "occurred", "known", "first", "last", "n_rows"),
        *(OF + name for name in wanted),
    )
