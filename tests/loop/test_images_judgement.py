"""A play of the image drill is judged by what pictures truly show, per label."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.images_judgement import PlayedImages, judge_played_images
from ucu_mlops.release.ledger import Move

FIRST = date(2026, 4, 1)
SHIFT, RETRAINED = FIRST + timedelta(days=3), FIRST + timedelta(days=6)
PER_DAY = 12


def scored(found: dict[date, int], days: int = 12) -> pd.DataFrame:
    """Score twelve pictures with a code a day; from a day on so many of them get the label."""
    rows = []
    for number in range(days):
        day = FIRST + timedelta(days=number)
        many = found[max(each for each in found if each <= day)]
        rows += [
            {
                "entity_id": f"{day}-{place}",
                "as_of": pd.Timestamp(day),
                "probability": 0.9 if place < many else 0.1,
                "threshold": 0.5,
            }
            for place in range(PER_DAY)
        ]
    return pd.DataFrame(rows)


def played(scores: pd.DataFrame, looked: pd.DataFrame, *, released: bool = True) -> PlayedImages:
    """Make a play in which a retraining is asked for, and a version released, on one day."""
    days = sorted(scores["as_of"].dt.date.unique())
    at = datetime.combine(RETRAINED + timedelta(days=1), datetime.min.time(), UTC)
    move = Move("images", 2, "1", "2", "promote", "gate", "it is better", "d", at)
    return PlayedImages(
        days=[
            DayReport(day, PER_DAY, 1, "1", "retrain" if day == RETRAINED else "none", [], None)
            for day in days
        ],
        cases=looked[["case_id", "entity_id", "as_of"]],
        looked=looked,
        truth=pd.DataFrame(
            {
                "image_id": scores["entity_id"],
                "look": scores["as_of"].ge(pd.Timestamp(SHIFT)).map({True: "new", False: "usual"}),
                "qr_code": True,
            }
        ),
        scores=scores,
        moves=[move] if released else [],
        capacity=PER_DAY,
        estimates={day: {"estimate": None, "low": None, "high": None} for day in days},
        oracle=lambda _: scores.assign(probability=1.0),
    )


def looked_at(n: int, label: str = "qr_code", day: date = SHIFT) -> pd.DataFrame:
    """Make cases about the day's first n pictures, confirmed two days later."""
    decided = pd.Timestamp(day + timedelta(days=2), tz="UTC") + pd.Timedelta(hours=9)
    return pd.DataFrame(
        {
            "case_id": [f"{label}-{day}-{place}" for place in range(n)],
            "entity_id": [f"{day}-{place}|{label}" for place in range(n)],
            "label": label,
            "as_of": pd.Timestamp(day),
            "is_violation": pd.array([True] * n, dtype="boolean"),
            "decided_at": decided,
            "first_decided_at": decided,
        }
    )


def test_the_regained_share_is_of_what_was_lost():
    """Recall falls from 9 to 3 of twelve and comes back to 8: five of six are regained."""
    scores = scored({FIRST: 9, SHIFT: 3, RETRAINED + timedelta(days=1): 8})
    found = judge_played_images(played(scores, looked_at(12)), SHIFT, "new_look", window=3)
    names = ("recall_before", "recall_after_shift", "recall_after_retrain", "recall_oracle")
    assert [found[name] for name in names] == [9 / 12, 3 / 12, 8 / 12, 1.0]
    assert (found["regained"], found["recovery"]) == pytest.approx((5 / 6, 5 / 9))
    assert (found["action"], found["right"]) == ("retrain", True)


def test_nothing_is_regained_without_a_release():
    """A version that the gate keeps back leaves the recall where it was."""
    scores = scored({FIRST: 9, SHIFT: 3})
    kept = played(scores, looked_at(12), released=False)
    found = judge_played_images(kept, SHIFT, "new_look", window=3)
    assert (found["released_on"], found["regained"], found["recall_oracle"]) == (None, None, None)


def test_the_look_is_seen_from_enough_verdicts_on():
    """Ten confirmed codes in the new look are enough to see it; nine are not."""
    scores = scored({FIRST: 9})
    found = judge_played_images(played(scores, looked_at(10)), SHIFT, "new_look", window=2)
    assert (found["seen_from"], found["days_to_action"]) == ("2026-04-06", 1)
    found = judge_played_images(played(scores, looked_at(9)), SHIFT, "new_look", window=2)
    assert (found["seen_from"], found["days_to_action"]) == (None, None)


def test_two_labels_of_a_picture_are_two_cases():
    """A picture put for each of two labels is no duplicate; for one label twice it is."""
    scores = scored({FIRST: 9})
    two = pd.concat([looked_at(3), looked_at(3, "matrix_code")], ignore_index=True)
    found = judge_played_images(played(scores, two), SHIFT, "new_look", window=2)
    assert (found["duplicate_cases"], found["days_over_capacity"]) == (0, 0)
    twice = pd.concat([looked_at(3), looked_at(3).assign(case_id=list("abc"))], ignore_index=True)
    found = judge_played_images(played(scores, twice), SHIFT, "new_look", window=2)
    assert found["duplicate_cases"] == 3
