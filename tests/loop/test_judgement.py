"""A play of a drill is judged by what happened, with the truth at hand."""

from datetime import date, timedelta

import pandas as pd
import pytest

from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.judgement import Played, judge_played
from ucu_mlops.loop.truth import Platform
from ucu_mlops.scam.estimator import TrainingOptions

FIRST = date(2026, 4, 1)
SHIFT = date(2026, 4, 4)


def played(actions: list[str], looked: pd.DataFrame, truth: pd.DataFrame) -> Played:
    """Make a play of as many days as actions, scored alike each day."""
    days = [FIRST + timedelta(days=number) for number in range(len(actions))]
    users = truth["user_id"].to_list()
    population = pd.DataFrame(
        [{"entity_id": user, "as_of": pd.Timestamp(day)} for day in days for user in users]
    )
    return Played(
        days=[
            DayReport(day, len(users), 1, "1", action, [], None)
            for day, action in zip(days, actions, strict=True)
        ],
        cases=looked[["case_id", "entity_id", "as_of", "source", "first_case_id"]],
        platform=Platform(looked, truth, capacity=2, dismissed_days=14),
        population=population,
        scores=population.assign(probability=0.5),
        inputs=population,
        moves=[],
        features=[],
        training=TrainingOptions(),
        estimates={day: {"estimate": None, "low": None, "high": None} for day in days},
    )


def truth_of(**starts: str | None) -> pd.DataFrame:
    """Make the truth: a user with a day scams from then on, each as a kind of its own."""
    frame = pd.DataFrame(
        {
            "user_id": list(starts),
            "is_scammer": [start is not None for start in starts.values()],
            "kind": list(starts),
            "active_from": pd.to_datetime(list(starts.values()), utc=True),
        }
    )
    return frame.astype({"active_from": "datetime64[us, UTC]"})


def cases_of(*rows: tuple[str, str, bool | None, str | None]) -> pd.DataFrame:
    """Make first-look cases: user, day, verdict and its day."""
    frame = pd.DataFrame(list(rows), columns=["entity_id", "as_of", "is_violation", "decided_at"])
    decided = pd.to_datetime(frame["decided_at"], utc=True)
    return frame.assign(
        case_id=[f"c{number}" for number in range(len(frame))],
        as_of=pd.to_datetime(frame["as_of"]),
        decided_at=decided,
        first_decided_at=decided,
        is_violation=frame["is_violation"].astype("boolean"),
        source="model",
        first_case_id=None,
    )


QUIET = cases_of(("honest", "2026-04-01", False, "2026-04-02"))
USERS = truth_of(honest=None, old="2026-01-01")


@pytest.mark.parametrize(
    ("kind", "action", "right"),
    [
        ("new_scam", "retrain", True),
        ("new_scam", "none", False),
        ("broken_feed", "data_fault", True),
        ("broken_feed", "retrain", False),
        ("growth", "none", True),
        ("growth", "data_fault", False),
    ],
)
def test_each_kind_of_shift_has_its_right_action(kind, action, right):
    """The first alarm from the shift on is the action; one before it is a false alarm."""
    actions = ["none", "retrain", "none", "none", action, "retrain"]
    actions = actions[:5] if action == "none" else actions
    found = judge_played(played(actions, QUIET, USERS), SHIFT, kind, window=2)
    assert (found["action"], found["right"], found["false_alarms"]) == (action, right, 1)


def test_the_days_to_action_count_from_enough_verdicts():
    """Ten confirmed scammers of the new kind are enough to see it; before that nobody is late."""
    names = [f"n{number}" for number in range(12)]
    truth = truth_of(honest=None, **dict.fromkeys(names, "2026-04-04"))
    truth["kind"] = truth["kind"].where(~truth["is_scammer"], "new")
    looked = cases_of(*((name, "2026-04-04", True, "2026-04-06") for name in names))
    acts = ["none"] * 7 + ["retrain"]
    found = judge_played(played(acts, looked, truth), SHIFT, "new_scam", window=2)
    assert (found["seen_from"], found["days_to_action"]) == ("2026-04-06", 2)
    assert found["days_since_shift"] == 4


@pytest.mark.parametrize(
    ("second", "doubled"),
    [
        (("a", "2026-04-02", None, None), 1),
        (("a", "2026-04-05", None, None), 1),
        (("b", "2026-04-02", None, None), 0),
    ],
    ids=["while the first is open", "after it was confirmed", "another user"],
)
def test_a_case_put_twice_is_counted(second, doubled):
    """A first look at a user whose case is open or confirmed is one too many."""
    looked = cases_of(("a", "2026-04-01", True, "2026-04-03"), second)
    found = judge_played(played(["none"] * 5, looked, USERS), SHIFT, "growth", window=2)
    assert found["duplicate_cases"] == doubled


def test_a_user_dismissed_may_come_back():
    """A second case after a dismissal is no duplicate."""
    looked = cases_of(
        ("a", "2026-04-01", False, "2026-04-02"), ("a", "2026-04-04", True, "2026-04-05")
    )
    found = judge_played(played(["none"] * 5, looked, USERS), SHIFT, "growth", window=2)
    assert found["duplicate_cases"] == 0


def test_a_day_over_capacity_is_counted():
    """Three cases where two can be checked make one day too full."""
    looked = cases_of(*((name, "2026-04-02", None, None) for name in "abc"))
    found = judge_played(played(["none"] * 5, looked, USERS), SHIFT, "growth", window=2)
    assert found["days_over_capacity"] == 1
