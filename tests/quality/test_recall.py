"""Recall from exploration: right where it is known, honest where it is not."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.quality.recall import LOOK_COLUMNS, RecallOptions, estimate_recall

TODAY = date(2026, 4, 30)
DAY = TODAY - timedelta(days=10)


def look(yes, again=None, propensity=1.0, day=DAY, second_propensity=1.0, user="u"):
    """Make a first look with its second, if there was one."""
    decided = None if yes is None else pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=33)
    second = None if again is None else second_propensity
    return (user, day, propensity, yes, decided, again, second)


def looks(*rows):
    """Make a table of looks."""
    made = pd.DataFrame(list(rows), columns=list(LOOK_COLUMNS))
    return made.assign(decided_at=pd.to_datetime(made["decided_at"], utc=True))


def estimate(*rows, as_of=TODAY, dismissed_days=14, **options):
    """Estimate recall from looks."""
    return estimate_recall(looks(*rows), as_of, dismissed_days, RecallOptions(**options))


QUEUE = [look(yes=True)] * 30 + [look(yes=False)] * 70
CHECKED = [look(yes=True, again=True)] * 5 + [look(yes=False, again=False)] * 5
EXPLORED = [look(yes=True, again=True, propensity=0.1)] * 6 + [look(yes=False, propensity=0.1)] * 94


def test_unerring_moderators_leave_plain_inverse_propensity():
    """35 found surely and 6 by luck, of 35 + 60: 41 of 95, between what 6 draws allow."""
    found = estimate(*QUEUE, *CHECKED, *EXPLORED)
    assert found["estimate"] == pytest.approx(41 / 95)
    assert 0.25 < found["low"] < found["estimate"] < found["high"] < 0.75
    assert (found["naive"], found["uncorrected"]) == (35 / 41, 41 / 95)
    assert found["errors"] == {"confirming": 0.0, "dismissing": 0.0}
    assert found["window"] == {"start": "2026-03-27", "end": "2026-04-23"}
    assert found["reason"] is None


def test_a_wrong_confirmation_of_an_explored_user_does_not_count():
    """Overruled by the second look, it is no violation that was missed, and tells the error."""
    wrong = [look(yes=True, again=False, propensity=0.001)]
    found = estimate(*QUEUE, *CHECKED, *EXPLORED, *wrong)
    assert found["estimate"] == pytest.approx(41 / 95, abs=0.02)
    assert found["uncorrected"] < 0.05
    assert found["errors"]["confirming"] == pytest.approx(1 / 101)


def test_only_matured_days_count():
    """Younger and older cases change nothing; the window ends before the youngest verdicts."""
    outside = [
        look(yes=True, day=TODAY - timedelta(days=6)),
        look(yes=True, again=True, propensity=0.001, day=TODAY - timedelta(days=35)),
    ]
    assert estimate(*QUEUE, *EXPLORED, *outside) == estimate(*QUEUE, *EXPLORED)


def test_late_verdicts_are_expected_to_be_like_the_others():
    """With half of each kind of case undecided, twice as many of each are expected."""
    waiting = [look(yes=None)] * 110 + [look(yes=None, propensity=0.1)] * 100
    whole, half = (
        estimate(*QUEUE, *CHECKED, *EXPLORED, *more)["estimate"] for more in ([], waiting)
    )
    assert half == pytest.approx(whole, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            look,
            yes=st.sampled_from([True, False, None]),
            again=st.sampled_from([True, False, None]),
            propensity=st.sampled_from([1.0, 0.5, 0.01, 1e-6]),
            day=st.integers(0, 60).map(lambda ago: TODAY - timedelta(days=ago)),
            second_propensity=st.sampled_from([1.0, 0.05]),
        ),
        max_size=40,
    )
)
def test_any_verdicts_give_an_interval_or_a_reason(rows):
    """Contradictions, gaps and late verdicts never give a figure outside 0..1 or without a word."""
    found = estimate(*rows)
    if found["estimate"] is None:
        assert found["reason"]
        assert found["low"] is found["high"] is None
    else:
        assert found["reason"] is None
        assert 0 <= found["low"] <= found["estimate"] <= found["high"] <= 1


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no day with cases"),
        ([look(yes=True, day=TODAY)], "no day with cases"),
        (QUEUE, "nothing was explored"),
        ([*QUEUE, look(yes=None, propensity=0.1)], "1 of 101 cases are undecided"),
        ([*QUEUE, look(yes=False, propensity=0.1)], "none of 1 explored cases was confirmed"),
        (
            [*QUEUE, look(yes=True, propensity=0.1)],
            "only 0 of 1 explored confirmations were looked at again",
        ),
        (
            [*QUEUE, look(yes=True, again=False, propensity=0.1)],
            "none of 1 explored confirmations was upheld",
        ),
        ([look(yes=False), *EXPLORED], "the queue found no violation"),
    ],
    ids=[
        "nothing",
        "all young",
        "none explored",
        "undecided",
        "none confirmed",
        "not looked at again",
        "none upheld",
        "none found",
    ],
)
def test_too_little_is_no_estimate_but_a_reason(rows, reason):
    """What cannot be told is null, and a sentence says why."""
    found = estimate(*rows)
    assert found["estimate"] is found["low"] is found["high"] is None
    assert reason in found["reason"]


@pytest.mark.parametrize("wrong", [0.0, 1.5, np.nan])
def test_refuses_propensities_that_are_none(wrong):
    """A case of unknown propensity stands for an unknown number of users."""
    with pytest.raises(DataError, match=r"propensity is missing or outside \(0, 1\] in 1 cases"):
        estimate(look(yes=True, propensity=wrong))


def test_refuses_missing_columns_and_options():
    """A missing column and an impossible window are refused by name."""
    with pytest.raises(SchemaError, match="second_propensity"):
        estimate_recall(looks().drop(columns="second_propensity"), TODAY, 14, RecallOptions())
    with pytest.raises(ConfigurationError, match="window_days must be at least 1"):
        RecallOptions(window_days=0)
