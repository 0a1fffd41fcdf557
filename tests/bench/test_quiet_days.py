"""The replay of quiet days uses the thresholds that ship, and is quiet."""

from collections import deque
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from bench.quiet_days import DRIFT, FIRST, Monitor, found, replay, replay_outcome, weights
from bench.quiet_platform import NAMES, Platform, World
from ucu_mlops.monitoring.drift import measure_drift

WORLD = World(users=20_000, effect=0.03, seed=5)


def test_sixty_quiet_days_ask_for_nothing():
    """No retraining and no data fault on a small sample."""
    tally = replay(WORLD, days=60, reference=14)
    assert (tally.days, tally.decisions, tally.faults) == (60, 0, 0)
    assert tally.bound == pytest.approx(3 / 60, rel=0.01)


def test_a_large_shift_is_acted_on_within_five_days():
    """One standard deviation of the messages' features is always found, none never."""
    assert found(WORLD, shift=1.0, trials=2, reference=14) == 1
    assert found(WORLD, shift=0.0, trials=2, reference=14) == 0


def test_it_measures_as_the_monitor_does():
    """Distance and threshold are those of the daily monitoring, to the last digit."""
    platform = Platform(WORLD)
    quiet = [platform.day() for _ in range(14)]
    monitor, day = Monitor(quiet, 13, weights(0)), platform.day()
    monitor.look(day, 14)
    profiles = {
        name: {
            "kind": "numeric",
            "edges": list(range(len(day.counts[each]) - 1)),
            "daily": [past.counts[each].tolist() for past in quiet],
            "shares": [0.0] * len(day.counts[each]),
            "largest_missing": 0.5,
            "variety": 0.0,
            "weight": 0.1,
        }
        for each, name in enumerate(NAMES)
    }
    score = profiles.pop("model_score")
    covered = [(FIRST + timedelta(days=number)).isoformat() for number in range(14)]
    histograms = pd.DataFrame(
        [
            ("score" if name == "model_score" else name, position, rows)
            for name, counts in zip(NAMES, day.counts, strict=True)
            for position, rows in enumerate(counts)
        ],
        columns=["name", "bin", "rows"],
    )
    drift = measure_drift(
        {"days_covered": covered, "features": profiles, "score": score},
        histograms,
        model="replay",
        version="1",
        as_of=FIRST + timedelta(days=14),
        options=DRIFT,
    ).set_index("name")
    ours = {row[0].replace("model_score", "score"): row[3:5] for row in monitor.rows[-1]}
    for name, (measure, threshold) in ours.items():
        assert drift.loc[name, "measure"] == pytest.approx(measure, rel=1e-12)
        assert drift.loc[name, "threshold"] == pytest.approx(threshold, rel=1e-12)


def test_a_quiet_queue_blames_nobody():
    """Precision and moderators are quiet on a small sample of days."""
    told = replay_outcome(days=15, seed=3)
    assert (told["precision"], told["moderators"]) == (0, 0)


def test_days_are_drawn_as_told():
    """Equal worlds draw equal days, users are neither lost nor made, Saturdays differ."""
    first, second = Platform(WORLD), Platform(WORLD)
    days = deque((first.day(), second.day()) for _ in range(7))
    for ours, theirs in days:
        assert all(map(np.array_equal, ours.counts, theirs.counts))
        assert {int(counts.sum()) for counts in ours.counts} == {20_000}
