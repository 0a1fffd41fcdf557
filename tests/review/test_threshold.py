"""The threshold asks for as many looks as there are, and no more."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.review.threshold import threshold_for_capacity

PROBABILITY = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
ROWS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 8)), PROBABILITY, min_size=1, max_size=40
)


def as_scores(rows: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Make scores from probabilities by user and day of March."""
    frame = pd.DataFrame(
        [(user, day, probability) for (user, day), probability in rows.items()],
        columns=["entity_id", "day", "probability"],
    )
    as_of = pd.Timestamp("2026-03-01") + pd.to_timedelta(frame["day"], unit="D")
    return frame.assign(as_of=as_of.dt.date)


def replayed(rows: dict[tuple[str, int], float], threshold: float, dismissed_days: int) -> float:
    """Count the cases per day of one threshold user by user, as plainly as it goes."""
    first, n_days = min(day for _, day in rows), len({day for _, day in rows})
    total = 0.0
    for user in {user for user, _ in rows}:
        dismissed: list[tuple[int, float]] = []
        for day in range(first, 9):
            probability = rows.get((user, day), -1.0)
            recent = [value for when, value in dismissed if day - when < dismissed_days]
            if probability >= threshold and all(probability > value for value in recent):
                dismissed.append((day, probability))
                total += min(1.0, n_days / max(dismissed_days, 1)) if day == first else 1.0
    return total / n_days


@settings(deadline=None)
@given(ROWS, st.floats(0, 4), st.integers(0, 12))
def test_is_the_smallest_that_fits(rows, places, dismissed_days):
    """Its cases fit; any smaller threshold would ask for more than there is room for."""
    threshold, expected = threshold_for_capacity(as_scores(rows), places, dismissed_days)
    assert expected == pytest.approx(replayed(rows, threshold, dismissed_days))
    assert expected <= places + 1e-9
    if threshold > 0:
        assert replayed(rows, np.nextafter(threshold, -1), dismissed_days) > places


@settings(deadline=None)
@given(ROWS, st.integers(0, 12), PROBABILITY, PROBABILITY)
def test_a_higher_threshold_never_asks_for_more(rows, dismissed_days, one, other):
    """The plain count only falls as the threshold rises, whatever bars whom."""
    low, high = sorted((one, other))
    assert replayed(rows, high, dismissed_days) <= replayed(rows, low, dismissed_days) + 1e-9


@settings(deadline=None)
@given(ROWS, st.floats(0, 4), st.randoms())
def test_the_order_of_rows_means_nothing(rows, places, random):
    """Shuffled rows give the same threshold."""
    scores = as_scores(rows)
    order = list(range(len(scores)))
    random.shuffle(order)
    shuffled, expected = threshold_for_capacity(scores.iloc[order], places, 3)
    assert (shuffled, pytest.approx(expected)) == threshold_for_capacity(scores, places, 3)


def test_who_stays_above_takes_one_place_in_a_fortnight():
    """Fourteen users above it every day are one case a day, not fourteen; those who rise more."""
    users = "abcdefghijklmn"
    steady = {(user, day): 0.9 for user in users for day in range(7)}
    assert threshold_for_capacity(as_scores(steady), 1, 14) == (0.0, pytest.approx(1))
    rising = {(user, day): 0.9 + day / 100 for user in users for day in range(7)}
    threshold, _ = threshold_for_capacity(as_scores(rising), 1, 14)
    assert threshold > 0.9


@pytest.mark.parametrize(
    ("rows", "places", "days", "error"),
    [
        ({("a", 0): 0.5}, -1, 1, ConfigurationError),
        ({("a", 0): 0.5}, 1, -1, ConfigurationError),
        ({("a", 0): np.nan}, 1, 1, DataError),
        ({("a", 0): 1.1}, 1, 1, DataError),
        ({}, 1, 1, DataError),
    ],
    ids=["negative places", "negative days", "missing", "above one", "no rows"],
)
def test_refuses(rows, places, days, error):
    """Places, days and probabilities must make sense."""
    with pytest.raises(error):
        threshold_for_capacity(as_scores(rows), places, days)


def test_refuses_scores_that_name_nobody_or_somebody_twice():
    """Without users, or with one twice on a day, cases cannot be counted."""
    scores = as_scores({("a", 0): 0.5})
    with pytest.raises(SchemaError, match="entity_id"):
        threshold_for_capacity(scores.drop(columns="entity_id"), 1, 1)
    with pytest.raises(DataError, match="twice on a day"):
        threshold_for_capacity(pd.concat([scores, scores]), 1, 1)
