"""Counts a day's values per bin of the reference in the warehouse, whatever the table's size.

inputs, scores → one expression, a branch per feature → ``name``, ``bin``, ``rows``, some hundred
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.reference import SCORE

MISSING = -1  # the bin of nulls, NaN and infinities
LARGEST = float(np.finfo(np.float64).max)
HISTOGRAM_COLUMNS = ("name", "bin", "rows")

Place = Callable[[ibis.Value], ibis.Value]


def day_histograms(
    reference: Mapping[str, Any],
    inputs: ibis.Table,
    scores: ibis.Table,
    unwatched: Sequence[str] = (),
) -> ibis.Table:
    """Count the values of each watched feature and of the score per bin of the reference.

    A branch per feature reads that one column, which is what warehouses that store columns are
    fastest at; none keeps rows. A number's bin is found by halving, not bin after bin.

    Args:
        reference: What :func:`ucu_mlops.monitoring.reference.build_reference` gave.
        inputs: The day: one row per active entity, a column per feature.
        scores: The day's scores: one row per active entity, ``probability`` (float64).
        unwatched: Features to leave out.

    Returns:
        Lazily, one row per feature (or ``score``) and bin that holds a value: ``name`` (string),
        ``bin`` (int64: place among the profile's ``shares``; -1 is missing) and ``rows`` (int64).

    Raises:
        SchemaError: A feature or ``probability`` has no column.
    """
    watched = watched_profiles(reference, unwatched)
    for table, needed in ((inputs, set(watched) - {SCORE}), (scores, {"probability"})):
        if missing := sorted(needed - set(table.columns)):
            raise SchemaError(f"histograms need {missing}; got {list(table.columns)}")
    return ibis.union(
        *(
            _histogram(name, profile, scores["probability"] if name == SCORE else inputs[name])
            for name, profile in watched.items()
        )
    )


def watched_profiles(
    reference: Mapping[str, Any], unwatched: Sequence[str] = ()
) -> dict[str, Mapping[str, Any]]:
    """Give the profiles by name, the score's last, without those that nobody watches."""
    features = reference["features"].items()
    watched = {name: profile for name, profile in features if name not in unwatched}
    return watched | {SCORE: reference["score"]}


def counts_per_bin(histograms: pd.DataFrame, name: str, bins: int) -> tuple[NDArray[np.int64], int]:
    """Give the counts of a feature's bins, and how many values were missing.

    Args:
        histograms: What :func:`day_histograms` computes, executed.
        name: The feature, or ``score``.
        bins: How many bins its profile has.
    """
    own = histograms[histograms["name"].eq(name)]
    found = np.zeros(bins + 1, dtype=np.int64)
    found[own["bin"].to_numpy(dtype=np.int64)] = own["rows"].to_numpy(dtype=np.int64)
    return found[:-1], int(found[MISSING])


def outliers(
    reference: Mapping[str, Any],
    inputs: ibis.Table,
    *,
    spans: float,
    limit: int,
    unwatched: Sequence[str] = (),
) -> ibis.Table:
    """Find the entities whose numbers lie far outside what the reference has seen.

    Args:
        reference: What :func:`ucu_mlops.monitoring.reference.build_reference` gave.
        inputs: The day: one row per active entity, ``entity_id`` and a column per feature.
        spans: How far beyond the reference's range, in lengths of that range.
        limit: How many at most of each feature: a feature in another unit hides no other.
        unwatched: Features to leave out.

    Returns:
        Lazily, one row per entity and feature, the farthest first: ``name``, ``entity_id``
        (string), ``value`` (float64), ``low``, ``high`` (the reference's range) and ``spans``
        (float64: how far beyond it).
    """
    found = [
        _beyond(name, profile["edges"], inputs, spans)
        for name, profile in watched_profiles(reference, unwatched).items()
        if profile["kind"] == "numeric" and profile["edges"]
    ]
    far = ibis.union(*found) if found else _nobody(inputs)
    farthest = (far["spans"].desc(), far["entity_id"])
    rank = ibis.row_number().over(group_by=far["name"], order_by=farthest)
    near_the_top = far.mutate(rank=rank).filter(ibis._["rank"] < limit).drop("rank")
    return near_the_top.order_by(ibis.desc("spans"), "name", "entity_id")


def _nobody(inputs: ibis.Table) -> ibis.Table:
    number = ibis.literal(0.0)
    return inputs.filter(ibis.literal(value=False)).select(
        name=ibis.literal(""),
        entity_id=inputs["entity_id"].cast("string"),
        **dict.fromkeys(("value", "low", "high", "spans"), number),
    )


def _beyond(name: str, edges: Sequence[float], inputs: ibis.Table, spans: float) -> ibis.Table:
    low, high = edges[0], edges[-1]
    span = max(high - low, 1e-9 * max(1.0, abs(high)))
    value = inputs[name].cast("float64")
    distance = ibis.greatest(exactly(low) - value, value - exactly(high)) / exactly(span)
    rows = inputs.select(
        name=ibis.literal(name),
        entity_id=inputs["entity_id"].cast("string"),
        value=value,
        low=exactly(low),
        high=exactly(high),
        spans=distance,
    )
    return rows.filter(rows["spans"] >= spans, _is_known(rows["value"]))


def _histogram(name: str, profile: Mapping[str, Any], column: ibis.Value) -> ibis.Table:
    """Count a column: numbers per bin, words one by one before they are put into bins."""
    if profile["kind"] == "categorical":
        values = column.name("value").as_table().group_by("value").aggregate(rows=ibis._.count())
        binned = values.select(
            bin=_category_bin(values["value"], profile["categories"]), rows=values["rows"]
        )
        counted = binned.group_by("bin").aggregate(rows=binned["rows"].sum())
    else:
        binned = _number_bin(column.cast("float64"), profile["edges"]).name("bin").as_table()
        counted = binned.group_by("bin").aggregate(rows=binned.count())
    return counted.select(
        name=ibis.literal(name),
        bin=counted["bin"].cast("int64"),
        rows=counted["rows"].cast("int64"),
    )


def _category_bin(value: ibis.Value, categories: Sequence[str]) -> ibis.Value:
    if value.type().is_boolean():
        text: ibis.Value = ibis.ifelse(value, "true", "false")
    else:
        text = value.cast("string")
    branches = [(text == name, place) for place, name in enumerate(categories)]
    # No word equals itself when it is null.
    return ibis.cases(*branches, (text == text, len(categories)), else_=MISSING)  # noqa: PLR0124


def _number_bin(value: ibis.Value, edges: Sequence[float]) -> ibis.Value:
    """Choose the bin by halving the edges; a null, NaN or infinity falls through every branch."""

    def halve(first: int, last: int) -> ibis.Value:
        if first == last:
            return ibis.literal(first)
        middle = (first + last) // 2
        return ibis.ifelse(
            value <= exactly(edges[middle]), halve(first, middle), halve(middle + 1, last)
        )

    return ibis.ifelse(_is_known(value), halve(0, len(edges)), MISSING)


def _is_known(value: ibis.Value) -> ibis.Value:
    """Refuse null, NaN and infinities; NaN is more than every number, or compares with none."""
    return value.between(exactly(-LARGEST), exactly(LARGEST))


def exactly(number: float) -> ibis.Value:
    """Write a number as text: DuckDB reads decimals, and rounds the last digits of a double."""
    return ibis.literal(repr(float(number))).cast("float64")
