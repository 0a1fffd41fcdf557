"""True recall of a ranking on a simulated platform, and the oracle it is held against."""

from datetime import date

import numpy as np
import pandas as pd

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.loop.truth import Platform, oracle_scores
from ucu_mlops.scam.estimator import TrainingOptions

DAY = pd.Timestamp("2026-04-10")


def users(*names_and_starts: tuple[str, str | None]) -> pd.DataFrame:
    """Make the truth: a user with a day scams from then on."""
    rows = [
        {
            "user_id": name,
            "is_scammer": start is not None,
            "kind": "any",
            "active_from": pd.Timestamp(start, tz="UTC") if start else pd.NaT,
        }
        for name, start in names_and_starts
    ]
    return pd.DataFrame(rows).astype({"active_from": "datetime64[us, UTC]"})


def looked(*rows: tuple[str, str, bool | None, str | None]) -> pd.DataFrame:
    """Make first-look cases: user, day, verdict, day of the verdict."""
    columns = ["entity_id", "as_of", "is_violation", "decided_at"]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.assign(
        as_of=pd.to_datetime(frame["as_of"]),
        decided_at=pd.to_datetime(frame["decided_at"], utc=True),
        is_violation=frame["is_violation"].astype("boolean"),
    )


def scores(**probabilities: float) -> pd.DataFrame:
    """Make one day's scores."""
    return pd.DataFrame(
        {"entity_id": list(probabilities), "as_of": DAY, "probability": probabilities.values()}
    ).astype({"probability": float})


def platform(cases: pd.DataFrame, truth: pd.DataFrame) -> Platform:
    """Make a platform whose moderators check two a day."""
    return Platform(cases, truth, capacity=2, dismissed_days=14)


def test_recall_counts_the_scammers_among_the_most_probable():
    """Two places, three scammers of whom one is among the two most probable."""
    truth = users(("a", "2026-04-01"), ("b", "2026-04-01"), ("c", "2026-04-10"), ("d", None))
    found = platform(looked(), truth).recall(scores(a=0.9, d=0.8, b=0.7, c=0.6), DAY.date())
    assert found == (1, 3)


def test_who_cannot_be_queued_takes_no_place():
    """The confirmed, the waiting and the lately dismissed are neither ranked nor missed."""
    truth = users(*((name, "2026-04-01") for name in "abcde"))
    history = looked(
        ("a", "2026-04-05", True, "2026-04-06"),
        ("b", "2026-04-08", None, None),
        ("c", "2026-04-05", False, "2026-04-06"),
        ("d", "2026-03-01", False, "2026-03-02"),
    )
    found = platform(history, truth).recall(scores(a=0.9, b=0.8, c=0.7, d=0.6, e=0.5), DAY.date())
    assert found == (2, 2)


def test_who_does_not_scam_yet_is_not_missed():
    """A scammer who begins tomorrow counts as honest today."""
    truth = users(("a", "2026-04-11"), ("b", "2026-04-01"))
    assert platform(looked(), truth).recall(scores(a=0.9, b=0.1), DAY.date()) == (1, 1)


def test_the_oracle_learns_the_truth_of_the_past_and_not_the_users():
    """What tells scammers apart is learnt; who they are is not: an identity column is useless."""
    rng = np.random.default_rng(0)
    names = [f"u{number}" for number in range(400)]
    scams = np.arange(400) < 100
    truth = users(*((n, "2026-04-01" if s else None) for n, s in zip(names, scams, strict=True)))
    days = pd.date_range("2026-04-08", "2026-04-10")
    rows = pd.DataFrame(
        [
            {
                "entity_id": name,
                "as_of": day,
                "tells": float(scam) + rng.normal(0, 0.3),
                "name": float(number * 7919 % 400),
            }
            for day in days
            for number, (name, scam) in enumerate(zip(names, scams, strict=True))
        ]
    )
    made = Platform(looked(), truth, capacity=100, dismissed_days=14)
    options = TrainingOptions(min_positives=5, calibration_folds=3)

    def recall(feature: str) -> float:
        specs = [FeatureSpec(feature, "numeric", "g", "d")]
        scored = oracle_scores(made, rows, date(2026, 4, 9), specs, options)
        assert set(scored["as_of"]) == {DAY}
        caught, there = made.recall(scored, DAY.date())
        return caught / there

    assert recall("tells") > 0.8
    assert recall("name") < 0.5
