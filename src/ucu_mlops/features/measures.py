"""What is kept of many events so that windows can be put together from days.

A feature is a small formula over measures; a measure of some days is merged from those of each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_

import ibis
from ibis.expr import datatypes as dt
from ibis.expr import types as ir

from ucu_mlops.features.events import OF
from ucu_mlops.features.groups import Aggregate, Condition

# Whoever writes larger numbers means "unknown"; the square of one is still finite.
LARGEST = 1e150
SECONDS_PER_DAY = 86_400
MERGED_BY = {
    "rows": "sum",
    "values": "sum",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "first": "min",
    "last": "max",
    "days": "bit_or",
}
BITS = 62  # of a whole number that are surely not its sign: as many days as one can hold
TODAY = 1 << (BITS - 1)  # each day before is one bit further down, and falls off in the end


@dataclass(frozen=True)
class Measure:
    """One number, or moment, about some events.

    Attributes:
        operation: One of ``MERGED_BY``.
        column: What it is about; None for ``rows``, ``first`` and ``last``.
        where: Which events count.
        transform: What is done to each value first.
    """

    operation: str
    column: str | None = None
    where: Condition = ()
    transform: str | None = None

    @property
    def merged_by(self) -> str:
        """How it follows from the measures of parts: ``sum``, ``min``, ``max`` or ``bit_or``."""
        return MERGED_BY[self.operation]

    def of(self, events: ibis.Table, also: ir.BooleanValue | None = None) -> ibis.Scalar:
        """Return the measure as an aggregation of events: a moment, or float64 (sums fastest).

        ``days`` is an int64 with a bit for each day; it needs ``before``, the bit's number.

        Args:
            events: One row per event.
            also: What else an event has to meet.
        """
        meets = all_of(condition(events, self.where), also)
        if self.operation == "rows":
            return events.count(where=meets).cast("float64")
        if self.operation in ("first", "last"):
            at = events["occurred_at"]
            return at.min(where=meets) if self.operation == "first" else at.max(where=meets)
        if self.operation == "days":
            return (ibis.literal(TODAY, "int64") >> events["before"]).bit_or(where=meets)
        values = numbers(events[OF + str(self.column)], self.transform)
        if self.operation == "values":
            return values.count(where=meets).cast("float64")
        return getattr(values, self.operation)(where=meets)


def merge(column: ibis.Column, how: str, where: ir.BooleanValue | None = None) -> ibis.Scalar:
    """Aggregate the measures of parts into that of the whole; ``how`` is ``merged_by``."""
    return getattr(column, how)(where=where)


def condition(events: ibis.Table, where: Condition) -> ir.BooleanValue | None:
    """Return which events meet all of a declared condition; None if there is none."""
    return all_of(*(events[OF + column].isin(values) for column, values in where))


def all_of(*conditions: ir.BooleanValue | None) -> ir.BooleanValue | None:
    """Return whether all conditions are met; None stands for one that always is."""
    given = [each for each in conditions if each is not None]
    return reduce(and_, given) if given else None


def numbers(column: ibis.Column, transform: str | None = None) -> ibis.Column:
    """Return a column as float64, with null for NaN, the infinities and what lies beyond 1e150.

    Args:
        column: Numbers.
        transform: ``log1p``: the logarithm of one more than the size, with the sign kept; for
            amounts whose outliers would swamp any mean.
    """
    values = column.cast("float64")
    finite = ibis.ifelse(values.between(-LARGEST, LARGEST), values, ibis.null("float64"))
    if transform is None:
        return finite
    return finite.sign() * (finite.abs() + 1.0).ln()


def kinds_of(column: ibis.Column) -> ibis.Column:
    """Return a column to tell values apart by; NaN is not a value among others.

    BigQuery partitions by no float, so those are written out (and -0.0 is made 0.0 first).
    """
    return (numbers(column) + 0.0).cast("string") if column.type().is_floating() else column


def measures_of(feature: Aggregate) -> tuple[Measure, ...]:
    """Return the measures that a feature's formula needs; none for those computed otherwise."""
    about = (feature.column, feature.where, feature.transform)
    needed: tuple[Measure, ...] = ()
    match feature.aggregate:
        case "count":
            needed = (Measure("rows", where=feature.where),)
        case "share":
            needed = (Measure("rows", where=feature.where), Measure("rows"))
        case "mean":
            needed = (Measure("sum", *about), Measure("values", *about))
        case "sum" | "min" | "max":
            needed = (Measure(feature.aggregate, *about),)
        case "time_since":
            needed = (Measure(str(feature.of), where=feature.where),)
        case "distinct" if feature.column == "occurred_date" and feature.window:
            needed = (Measure("days", where=feature.where),) if feature.window <= BITS else ()
    return needed


def value_of(
    feature: Aggregate, measured: Mapping[Measure, ibis.Column], day: ibis.Column
) -> ibis.Column:
    """Return a feature from its measures.

    Args:
        feature: Any that has measures.
        measured: The measures over its window; null where there was no event.
        day: The day at whose end the feature is meant.

    Returns:
        A float64 column; null where there was no event.
    """
    parts = [measured[each] for each in measures_of(feature)]
    match feature.aggregate:
        case "share" | "mean":
            return parts[0] / parts[1].nullif(0.0)
        case "time_since":
            # Whole seconds are subtracted before they are divided, so that none gets lost.
            end = (day + 1) * SECONDS_PER_DAY
            return (end - parts[0].truncate("s").epoch_seconds()) / float(SECONDS_PER_DAY)
        case "distinct":
            return _bit_count(parts[0]).cast("float64")
        case _:
            return parts[0]


@ibis.udf.scalar.builtin(name="BIT_COUNT", signature=((dt.int64,), dt.int64))
def _bit_count(bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count the ones; both warehouses call it so."""


def named(features: Iterable[Aggregate]) -> dict[Measure, str]:
    """Give each needed measure a column's name; features share what they can."""
    needed = dict.fromkeys(each for feature in features for each in measures_of(feature))
    return {each: f"{each.operation}_{number}" for number, each in enumerate(needed)}
