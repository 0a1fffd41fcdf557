"""Moderators decide what is due, within their capacity, mostly rightly, never alone twice."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.simulation.moderators import (
    VERDICT_TYPES,
    ModeratorOptions,
    decide,
    decided_elsewhere,
)

DAY = date(2026, 2, 10)
NOBODY_YET = pd.DataFrame(columns=list(VERDICT_TYPES)).astype(VERDICT_TYPES)


def cases_of(n: int, as_of: date = DAY - timedelta(days=3), **columns) -> pd.DataFrame:
    """Make cases about users 0..n-1, most probable first."""
    numbers = range(n)
    made = {
        "case_id": [f"{as_of}-{number}" for number in numbers],
        "entity_id": [f"u{number}" for number in numbers],
        "as_of": [as_of] * n,
        "rank": range(1, n + 1),
        "first_case_id": pd.Series([None] * n, dtype="str"),
    }
    return pd.DataFrame(made | columns)


def truth_of(n: int, active_from: str = "2026-01-01") -> pd.DataFrame:
    """Say that of users 0..n-1 every other one scams."""
    scams = [number % 2 == 0 for number in range(n)]
    days = [pd.Timestamp(active_from, tz="UTC") if scam else pd.NaT for scam in scams]
    return pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in range(n)],
            "is_scammer": scams,
            "active_from": pd.DatetimeIndex(days, tz="UTC").as_unit("us"),
        }
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 30), st.integers(0, 40), st.integers(1, 5))
def test_capacity_is_never_exceeded_and_everything_gets_decided(capacity, n, slowest):
    """A day has at most `capacity` verdicts; no case has two; with capacity none waits forever."""
    options = ModeratorOptions(capacity=capacity, max_delay_days=slowest)
    cases, truth, verdicts = cases_of(n), truth_of(n), NOBODY_YET
    for number in range(12):
        day = DAY + timedelta(days=number)
        made = decide(cases, verdicts, truth, day, options)
        assert len(made) <= capacity
        verdicts = pd.concat([verdicts, made]) if len(made) else verdicts
    assert verdicts["case_id"].is_unique
    assert verdicts["verdict_id"].is_unique
    assert len(verdicts) == min(n, 12 * capacity)


def test_has_the_promised_columns_and_types():
    """Verdicts have the columns of the table, times within the day."""
    made = decide(cases_of(9), NOBODY_YET, truth_of(9), DAY, ModeratorOptions())
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == VERDICT_TYPES
    assert set(made["decided_at"].dt.date) == {DAY}


def test_takes_one_to_three_days():
    """Cases of one day are decided over the next three, some on each."""
    cases, truth, options = cases_of(200), truth_of(200), ModeratorOptions(capacity=200)
    counts, verdicts = [], NOBODY_YET
    for number in range(5):
        day = DAY - timedelta(days=3) + timedelta(days=number)
        made = decide(cases, verdicts, truth, day, options)
        counts.append(len(made))
        verdicts = pd.concat([verdicts, made]) if len(made) else verdicts
    assert counts[0] == counts[4] == 0
    assert min(counts[1:4]) > 40


def test_the_oldest_come_first():
    """With capacity for few, last week's case is decided before yesterday's."""
    old = cases_of(5, DAY - timedelta(days=7))
    cases = pd.concat([cases_of(5), old], ignore_index=True)
    made = decide(cases, NOBODY_YET, truth_of(5), DAY, ModeratorOptions(capacity=5))
    assert set(made["case_id"]) == set(old["case_id"])


def test_a_day_played_again_is_the_same():
    """Verdicts of the day itself do not stand in the way of deciding it again."""
    cases, truth, options = cases_of(40), truth_of(40), ModeratorOptions(capacity=10)
    once = decide(cases, NOBODY_YET, truth, DAY, options)
    again = decide(cases.sample(frac=1, random_state=1), once, truth, DAY, options)
    pd.testing.assert_frame_equal(once, again)


def test_a_second_look_waits_for_the_first_and_goes_to_another_moderator():
    """Nobody looks twice at the same case, whoever looked first."""
    firsts, truth = cases_of(300), truth_of(300)
    options = ModeratorOptions(capacity=1_000, moderators=2)
    seconds = cases_of(300, DAY - timedelta(days=2)).assign(first_case_id=firsts["case_id"])
    cases = pd.concat([firsts, seconds], ignore_index=True)
    first = decide(cases, NOBODY_YET, truth, DAY, options)
    assert set(first["case_id"]) == set(firsts["case_id"])
    second = decide(cases, first, truth, DAY + timedelta(days=1), options)
    pairs = second.merge(seconds, on="case_id").merge(
        first, left_on="first_case_id", right_on="case_id", suffixes=("", "_first")
    )
    assert len(pairs) == 300
    assert (pairs["moderator_id"] != pairs["moderator_id_first"]).all()


@pytest.mark.parametrize("error_rate", [0.0, 0.2, 1.0])
def test_errs_as_often_as_told(error_rate):
    """The share of wrong verdicts is the error rate, for scammers and honest users alike."""
    options = ModeratorOptions(capacity=2_000, error_rate=error_rate)
    made = decide(cases_of(2_000), NOBODY_YET, truth_of(2_000), DAY, options)
    number = made["case_id"].str.rsplit("-", n=1).str[-1].astype(int)
    wrong = made["is_violation"] != (number % 2 == 0)
    assert wrong.groupby(number % 2).mean().tolist() == pytest.approx([error_rate] * 2, abs=0.04)


def test_a_second_blind_look_finds_mistakes():
    """Errors are independent: of the first looks that erred, a second finds all but its own."""
    options = ModeratorOptions(capacity=10_000, error_rate=0.2)
    firsts, truth = cases_of(4_000), truth_of(4_000)
    first = decide(firsts, NOBODY_YET, truth, DAY, options)
    seconds = cases_of(4_000, DAY - timedelta(days=2)).assign(first_case_id=firsts["case_id"])
    cases = pd.concat([firsts, seconds], ignore_index=True)
    second = decide(cases, first, truth, DAY + timedelta(days=1), options)
    looks = second.merge(seconds, on="case_id").merge(
        first, left_on="first_case_id", right_on="case_id", suffixes=("", "_first")
    )
    is_scam = looks["entity_id"].str[1:].astype(int) % 2 == 0
    erred = looks["is_violation_first"] != is_scam
    found = (looks["is_violation"] == is_scam).groupby(erred).mean()
    assert found.tolist() == pytest.approx([0.8, 0.8], abs=0.05)


def test_who_has_not_begun_is_no_violation():
    """A sleeping scammer, or an account not yet taken over, has done nothing by the case's day."""
    options = ModeratorOptions(error_rate=0)
    made = decide(cases_of(6), NOBODY_YET, truth_of(6, "2026-02-08"), DAY, options)
    assert not made["is_violation"].any()


def test_no_cases_no_verdicts():
    """An empty table is a valid answer, with its columns."""
    made = decide(cases_of(0), NOBODY_YET, truth_of(3), DAY, ModeratorOptions())
    assert made.empty
    assert list(made) == list(VERDICT_TYPES)


def test_refuses_cases_about_strangers():
    """The message names one of them."""
    with pytest.raises(DataError, match="1 users unknown to the simulation, such as 'u3'"):
        decide(cases_of(4), NOBODY_YET, truth_of(3), DAY, ModeratorOptions())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"moderators": 1}, "moderators must be between 2"),
        ({"error_rate": 2}, "error_rate must be between 0 and 1, got 2"),
        ({"min_delay_days": 4}, "max_delay_days must be at least min_delay_days=4, got 3"),
    ],
    ids=str,
)
def test_refuses_options(changes, message):
    """The message names the parameter and what came."""
    with pytest.raises(ConfigurationError, match=message):
        ModeratorOptions(**changes)


def test_another_models_verdicts_of_the_day_are_kept():
    """A day's verdicts are replaced as a whole: those on cases that are not ours stay in them."""
    ours, theirs = cases_of(4), cases_of(3, as_of=DAY - timedelta(days=4))
    options = ModeratorOptions(max_delay_days=1)
    both = pd.concat(
        [decide(each, NOBODY_YET, truth_of(4), DAY, options) for each in (ours, theirs)]
    )
    kept = decided_elsewhere(both, ours, DAY)
    assert set(kept["case_id"]) == set(theirs["case_id"])
    assert decided_elsewhere(both, ours, DAY + timedelta(days=1)).empty
