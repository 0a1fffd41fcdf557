"""A feed that loses most of its events is broken; days that differ as quiet ones do are not."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from bench.volumes import replay
from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.decision import Standing, decide
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.outcome import OutcomeOptions, outcome_of
from ucu_mlops.monitoring.volume import measure_volume

FIRST = date(2026, 3, 2)  # a Monday
QUIET = [FIRST + timedelta(days=number) for number in range(14)]
TODAY = FIRST + timedelta(days=14)


def volume(usual, now, *, scored=1_000, usual_scored=(1_000,) * 14, as_of=TODAY):
    """Measure a day of one source; ``usual`` are its events on the quiet days."""
    reference = {
        "days_covered": [day.isoformat() for day in QUIET],
        "score": {"daily": [[rows // 2, rows - rows // 2] for rows in usual_scored]},
    }
    arrived = pd.DataFrame({"source": "messages", "as_of": [*QUIET, as_of], "rows": [*usual, now]})
    drift = measure_volume(
        reference,
        arrived,
        scored,
        model="scam",
        version="2",
        as_of=as_of,
        options=DriftOptions(),
    )
    assert tuple(drift.columns) == DRIFT_COLUMNS
    return drift.set_index("name")


@pytest.mark.parametrize(
    ("usual", "now", "state"),
    [
        ([9_000] * 14, 900, "fault"),
        ([9_000] * 14, 4_400, "fault"),
        ([9_000] * 14, 4_600, "quiet"),
        ([9_000] * 14, 90_000, "quiet"),
        ([9_000] * 14, 0, "fault"),
        ([4_000, *[9_000] * 6, 9_000, *[9_000] * 6], 1_900, "quiet"),
        ([4_000, *[9_000] * 6, 9_000, *[9_000] * 6], 1_700, "fault"),
        ([4_000, *[40_000] * 6] * 2, 3_000, "quiet"),
        ([12] * 14, 3, "quiet"),
        ([0] * 14, 0, "quiet"),
    ],
    ids=[
        "nine tenths are lost",
        "just below half",
        "just above half",
        "growth",
        "all is lost",
        "its Mondays lie far apart",
        "farther than even those",
        "a quiet weekday is compared with its own",
        "a small feed varies by chance",
        "a feed that is always empty",
    ],
)
def test_a_large_loss_is_a_fault_and_growth_is_not(usual, now, state):
    """Each day beside its quiet days has its state."""
    assert volume(usual, now).loc["events:messages", "state"] == state


def test_users_who_are_not_scored_are_a_loss_too():
    """Fewer than half of the lowest quiet day's rows are a fault, whatever arrived."""
    assert volume([9_000] * 14, 9_000, scored=400)["state"].to_dict() == {
        "events:messages": "quiet",
        "rows:scored": "fault",
    }


def test_quiet_days_stay_quiet():
    """Of ninety days of each size, with weekly rhythm and weather of a tenth, none alarms."""
    generator = np.random.default_rng(3)
    rhythm = np.array([1, 1, 1, 1.1, 1.2, 1.6, 1.4])
    for mean in (20, 300, 20_000):
        alarms = 0
        for _ in range(3):
            day = generator.lognormal(0, 0.1, 44) * mean * np.resize(rhythm, 44)
            rows = generator.poisson(day)
            for number in range(14, 44):
                as_of = FIRST + timedelta(days=number)
                found = volume(rows[:14], int(rows[number]), as_of=as_of)
                alarms += found.loc["events:messages", "state"] == "fault"
        assert alarms == 0


def test_a_lively_feed_is_seldom_called_broken_and_seen_when_it_is():
    """With weather of three tenths one day in 300 at most; of those that lost nine tenths, most."""
    days, false, seen = replay(0.3, 20_000, feeds=50, seed=3)
    assert days == 1_500
    assert false <= 5
    assert seen[0] > 0.8 * days


def test_a_lost_feed_holds_the_training_and_is_named():
    """The decision is a data fault; its reason names the feed, what came and what was needed."""
    cases = pd.DataFrame(
        columns=[
            *("as_of", "source", "version", "label"),
            *("is_violation", "decided_at", "probability"),
        ]
    )
    looks = pd.DataFrame(
        columns=[
            *("verdict_id", "case_id", "first_case_id", "as_of", "probability"),
            *("moderator_id", "is_violation", "decided_at"),
        ]
    )
    outcome = outcome_of(cases, looks, as_of=TODAY, options=OutcomeOptions())
    decision = decide(
        volume([9_000] * 14, 900).reset_index()[list(DRIFT_COLUMNS)],
        outcome,
        model="scam",
        as_of=TODAY,
        options=DecisionOptions(),
        standing=Standing("2"),
    )
    assert decision.action == "data_fault"
    assert "events:messages: only 900, 90% fewer" in decision.reasons[0]


def test_a_table_without_its_columns_is_refused():
    """One line names the columns that are missing."""
    with pytest.raises(SchemaError, match=r"need \['rows'\]"):
        measure_volume(
            {"days_covered": [], "score": {"daily": []}},
            pd.DataFrame(columns=["source", "as_of"]),
            1,
            model="scam",
            version="2",
            as_of=TODAY,
            options=DriftOptions(),
        )
