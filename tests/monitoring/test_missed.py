"""What the model misses shows in the reports that moderators confirm."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.missed import MissedOptions, missed_growth, missed_reports

FIRST = date(2026, 3, 1)
OPTIONS = MissedOptions()


def cases(shares, source="report", a_day=12, seed=0):
    """Make verdicts of days, each with its share of violations; some cases are still open."""
    generator = np.random.default_rng(seed)
    rows = [
        {
            "source": source,
            "is_violation": bool(generator.random() < share),
            "decided_at": pd.Timestamp(FIRST + timedelta(days=day), tz="UTC")
            + pd.Timedelta(hours=12),
        }
        for day, share in enumerate(shares)
        for _ in range(a_day)
    ]
    waiting = {"source": source, "is_violation": None, "decided_at": pd.NaT}
    frame = pd.DataFrame([*rows, waiting])
    return frame.astype({"is_violation": "boolean", "decided_at": "datetime64[us, UTC]"})


def last_day(shares):
    """Return the day of the last verdicts."""
    return FIRST + timedelta(days=len(shares) - 1)


def test_more_confirmed_reports_are_drift_within_days():
    """From 5 % to 40 %: four days of such verdicts are enough, and the figures are told."""
    shares = [0.05] * 28 + [0.4] * 4
    found = missed_reports(cases(shares), last_day(shares), OPTIONS)
    assert found["state"] == "drift"
    assert found["window"]["decided"] == 84
    assert found["baseline"]["decided"] == 25 * 12
    assert found["window"]["precision"] > 2 * found["baseline"]["precision"]


@pytest.mark.parametrize("source", ["model", "exploration"])
def test_only_reports_count(source):
    """What the model asked for, or the dice chose, is told elsewhere."""
    shares = [0.05] * 28 + [0.4] * 7
    found = missed_reports(cases(shares, source), last_day(shares), OPTIONS)
    assert (found["state"], found["window"]["decided"]) == ("too few", 0)


def test_later_verdicts_are_not_known_yet():
    """As of an earlier day the later verdicts change nothing."""
    shares = [0.05] * 35 + [0.9] * 7
    early = last_day(shares[:35])
    assert missed_reports(cases(shares), early, OPTIONS) == missed_reports(
        cases(shares[:35]), early, OPTIONS
    )


def test_quiet_days_hardly_ever_alarm():
    """Over 600 days at 5 % a false alarm comes on at most a few: 1 in 90 would be 7."""
    alarms = 0
    for seed in range(6):
        shares = [0.05] * 135
        made = cases(shares, seed=seed)
        alarms += sum(
            missed_reports(made, FIRST + timedelta(days=day), OPTIONS)["state"] == "drift"
            for day in range(35, 135)
        )
    assert alarms <= 3


def test_refuses_bad_input():
    """A missing column and an option that never or always alarms are named."""
    with pytest.raises(SchemaError, match="decided_at"):
        missed_reports(cases([0.1]).drop(columns="decided_at"), FIRST, OPTIONS)
    with pytest.raises(ConfigurationError, match=r"missed\.rise must be a number at least 1"):
        MissedOptions(rise=0.5)
    with pytest.raises(ConfigurationError, match=r"missed\.significance"):
        MissedOptions(significance=0)


def test_growth_is_counted_from_the_last_training():
    """Known are the violations of its last week, new those since; other sources do not count."""
    frame = pd.concat([cases([1.0] * 30), cases([1.0] * 30, source="model")])
    training = FIRST + timedelta(days=20)
    later = FIRST + timedelta(days=23)
    assert missed_growth(frame, later, training, OPTIONS) == {"known": 7 * 12, "new": 3 * 12}
    assert missed_growth(frame, training, training, OPTIONS)["new"] == 0
    assert missed_growth(frame, later, None, OPTIONS) == {"known": 0, "new": 0}


def test_a_level_that_stays_is_as_many_again_after_a_week():
    """So a cool-down of a week is cut short where the reports find more than before it, only."""
    frame = cases([1.0] * 30)
    training = FIRST + timedelta(days=15)
    found = [missed_growth(frame, training + timedelta(days=d), training, OPTIONS) for d in (6, 7)]
    assert [each["new"] >= each["known"] for each in found] == [False, True]
