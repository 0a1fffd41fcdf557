"""A version that finds less than the one before it goes back; one that is as good stays."""

import itertools
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.errors import BundleError, ConfigurationError, ReleaseError, SchemaError
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.moves import Proposal, cold_start, override, promote, rollback
from ucu_mlops.release.probation import (
    ProbationOptions,
    changed_since,
    end_trial,
    watch_trial,
)

START = date(2026, 3, 1)
RELEASED = date(2026, 3, 20)  # the first day that the new version scored
OPTIONS = ProbationOptions()


def at(day):
    return datetime.combine(day, datetime.min.time(), UTC)


@pytest.fixture
def released(tmp_path):
    """Make ledgers in which version 2 replaced version 1 on RELEASED."""
    numbers = itertools.count()

    def make(kind="promote"):
        ledger = SqliteLedger(tmp_path / f"{next(numbers)}.db")
        cold_start(ledger, "scam", "1", who="ann", why="begin", at=at(START))
        if kind == "promote":
            promote(ledger, Proposal("scam", "2", "promote", "better", "d2"), "run", at(RELEASED))
        else:
            override(ledger, "scam", "2", "eve", "trust me", at(RELEASED))
        return ledger

    return make


def cases(before, after, days=30, per_day=36, seed=0, changed=None):
    """Make cases of which so large a share is confirmed, two days after they were queued."""
    generator = np.random.default_rng(seed)
    queued = pd.Series(pd.date_range(START, periods=days).repeat(per_day))
    new = queued >= pd.Timestamp(RELEASED)
    hard = new | (queued >= pd.Timestamp(changed or RELEASED))
    return pd.DataFrame(
        {
            "as_of": queued,
            "source": "model",
            "version": np.where(new, "2", "1"),
            "is_violation": generator.random(len(queued)) < np.where(hard, after, before),
            "decided_at": queued.dt.tz_localize("UTC") + pd.Timedelta(days=2),
        }
    )


def verdict(ledger, frame, as_of=RELEASED + timedelta(days=6), since=None):
    return watch_trial(ledger.moves("scam"), frame, since, as_of, OPTIONS)


def test_a_useless_version_fails_within_a_week(released):
    """From 22 % confirmed to 1 %: the first matured days are enough."""
    told = verdict(released(), cases(0.22, 0.01))
    assert (told["state"], told["version"], told["predecessor"]) == ("failed", "2", "1")
    assert told["evidence"]["p_value"] < told["evidence"]["needed"]
    json.dumps(told, allow_nan=False)


def test_a_version_that_is_as_good_fails_in_less_than_one_trial_in_fifty(released):
    """Looked at on each of its days, 200 trials; it passes when they are over."""
    ledger, failed = released(), 0
    for seed in range(200):
        frame = cases(0.22, 0.22, days=38, seed=seed)
        days = [RELEASED + timedelta(days=number) for number in range(18)]
        states = [verdict(ledger, frame, as_of=day)["state"] for day in days[4::3]]
        failed += "failed" in states
    assert failed <= 4
    assert verdict(released(), frame, as_of=RELEASED + timedelta(days=17))["state"] == "passed"


def test_too_few_cases_say_nothing(released):
    """Before verdicts have matured the version is on trial, whatever was decided early."""
    told = verdict(released(), cases(0.5, 0.0), as_of=RELEASED + timedelta(days=2))
    assert (told["state"], told["evidence"]["p_value"]) == ("on_trial", None)


def test_a_trial_without_enough_cases_is_not_passed(released):
    """When its days are over and nothing could be compared, it says so."""
    told = verdict(released(), cases(0.4, 0.4, per_day=1), as_of=RELEASED + timedelta(days=17))
    assert (told["state"], told["evidence"]["p_value"]) == ("untested", None)


def test_after_a_change_only_the_days_since_are_compared(released):
    """Finding has become harder for both: the new version is no worse than the old one was then."""
    changed = RELEASED - timedelta(days=5)
    frame = cases(0.4, 0.1, changed=changed)
    assert verdict(released(), frame)["state"] == "failed"
    assert verdict(released(), frame, since=changed)["state"] == "on_trial"


def test_reports_and_exploration_are_not_the_versions_doing(released):
    """Cases that the version did not ask for count on neither side."""
    frame = cases(0.22, 0.01).assign(source="report")
    assert verdict(released(), frame)["evidence"]["trial"]["decided"] == 0


def test_a_person_ends_the_trial(released):
    """A rollback, and a reinstated version, are watched no more; an override to a new one is."""
    frame = cases(0.22, 0.01)
    ledger = released("override")
    assert verdict(ledger, frame)["state"] == "failed"
    rollback(ledger, "scam", "eve", "enough", at(RELEASED + timedelta(days=1)))
    assert verdict(ledger, frame)["state"] == "none"
    override(ledger, "scam", "2", "eve", "I know what I do", at(RELEASED + timedelta(days=2)))
    assert verdict(ledger, frame)["state"] == "none"


def test_no_champion_and_a_first_one_are_on_no_trial(released):
    """There is nothing to be compared with."""
    nothing = cases(0.2, 0.2).iloc[:0]
    assert watch_trial([], nothing, None, RELEASED, OPTIONS)["state"] == "none"
    first = [Move("scam", 1, None, "1", "cold_start", "ann", "begin", None, at(START))]
    assert watch_trial(first, nothing, None, RELEASED, OPTIONS)["state"] == "none"
    assert verdict(released(), nothing)["state"] == "on_trial"


def test_a_failed_version_is_rolled_back_once_and_stays_away(released):
    """The move names figures; the same decision does not promote it again, nor does another."""
    ledger = released()
    failed = verdict(ledger, cases(0.22, 0.01))
    move = end_trial(ledger, "scam", failed, at(RELEASED + timedelta(days=7)), loads=str)
    assert (move.kind, move.who, move.to_version) == ("rollback", "probation", "1")
    assert "decided cases confirmed" in move.why
    assert end_trial(ledger, "scam", failed, at(RELEASED), loads=str) is None
    again = promote(ledger, Proposal("scam", "2", "promote", "better", "d2"), "run", at(RELEASED))
    assert again == move
    with pytest.raises(ReleaseError, match="version 2 was rolled back at revision 3"):
        promote(ledger, Proposal("scam", "2", "promote", "better", "d9"), "run", at(RELEASED))


def test_a_verdict_about_another_revision_moves_nothing(released):
    """Somebody moved since: the verdict is not about what is champion now."""
    ledger = released()
    failed = verdict(ledger, cases(0.22, 0.01))
    override(ledger, "scam", "3", "eve", "a better one", at(RELEASED))
    assert end_trial(ledger, "scam", failed, at(RELEASED), loads=str) is None
    assert ledger.head("scam").to_version == "3"


def test_a_predecessor_that_does_not_load_is_not_rolled_back_to(released):
    """A poor champion is better than one that gives no answer."""
    ledger = released()

    def damaged(version):
        raise BundleError(version)

    with pytest.raises(BundleError):
        end_trial(
            ledger, "scam", verdict(released(), cases(0.22, 0.01)), at(RELEASED), loads=damaged
        )
    assert ledger.head("scam").to_version == "2"


def test_the_change_is_what_the_last_decision_named(released):
    """The earliest drift of the decision behind the promotion; none behind an override."""
    decisions = pd.DataFrame(
        {
            "as_of": [RELEASED - timedelta(days=9), RELEASED - timedelta(days=1)],
            "action": "retrain",
            "evidence": [
                json.dumps({"drifting": [{"name": "a", "since": "2026-03-02"}]}),
                json.dumps(
                    {"drifting": [{"since": "2026-03-16"}, {"since": "2026-03-15"}]},
                ),
            ],
        }
    )
    assert changed_since(decisions, released().head("scam")) == date(2026, 3, 15)
    assert changed_since(decisions, released("override").head("scam")) is None
    assert changed_since(decisions.iloc[:1], released().head("scam")) is None
    assert changed_since(decisions, None) is None
    confirmed_less = decisions.assign(evidence=json.dumps({"drifting": []}))
    assert changed_since(confirmed_less, released().head("scam")) == date(2026, 3, 9)


def test_refuses_what_cannot_be_tested(released):
    """A column is missing, a window is empty, a share is none."""
    with pytest.raises(SchemaError, match=r"probation needs \['version'\]"):
        verdict(released(), cases(0.2, 0.2).drop(columns="version"))
    for wrong in ({"days": 0}, {"ratio": 0}, {"significance": 2}):
        with pytest.raises(ConfigurationError, match=f"probation.{next(iter(wrong))}"):
            ProbationOptions(**wrong)
