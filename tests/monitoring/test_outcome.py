"""The queue's precision is compared with the same version's first days, on mature verdicts."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.outcome import (
    OutcomeOptions,
    calibration,
    label_precision,
    outcome_of,
    queue_precision,
)

FIRST = date(2026, 4, 1)
TODAY = FIRST + timedelta(days=34)


def cases(precision, days=33, per_day=36, version="2", source="model", seed=0):
    """Make decided cases; ``precision`` gives each day's share of violations."""
    generator = np.random.default_rng(seed)
    number = np.repeat(np.arange(days), per_day)
    violation = generator.random(number.size) < np.array([precision(n) for n in number])
    day = pd.Timestamp(FIRST) + pd.to_timedelta(number, unit="D")
    return pd.DataFrame(
        {
            "as_of": day,
            "source": source,
            "version": version,
            "label": "scam",
            "is_violation": violation.astype(object),
            "decided_at": (day + pd.Timedelta(days=1, hours=9)).tz_localize("UTC"),
        }
    )


def test_a_drop_is_drift():
    """From 40 % to 15 % in the last ten days is no chance; the figures are JSON."""
    found = queue_precision(cases(lambda n: 0.4 if n < 23 else 0.15), TODAY, OutcomeOptions())
    assert found["state"] == "drift"
    assert found["window"]["precision"] < 0.7 * found["baseline"]["precision"]
    assert found["p_value"] < 0.001
    json.dumps(found, allow_nan=False)


def test_a_label_alone_is_drift():
    """One label of three falls from 90 % to 40 %; all together they fall too little to tell."""
    frames = [
        cases(lambda n, low=low: 0.9 if n < 23 else low, per_day=12, seed=seed).assign(label=name)
        for seed, (name, low) in enumerate({"a": 0.9, "b": 0.4, "c": 0.9}.items())
    ]
    frame = pd.concat(frames)
    assert queue_precision(frame, TODAY, OutcomeOptions())["state"] == "quiet"
    found = label_precision(frame, TODAY, OutcomeOptions())
    assert (found["label"], found["state"]) == ("b", "drift")


def test_emptying_the_stock_is_no_drift():
    """A version's first days find what its predecessor missed; they are not the yardstick."""
    stock = cases(lambda n: 0.9 if n < 5 else 0.3)
    assert queue_precision(stock, TODAY, OutcomeOptions())["state"] == "quiet"
    found = queue_precision(stock, TODAY, OutcomeOptions(settle_days=0, baseline_days=5))
    assert found["state"] == "drift"


def test_chance_hardly_ever_alarms():
    """Of two hundred quiet histories at most one alarms."""
    alarms = [
        queue_precision(cases(lambda _: 0.3, seed=seed), TODAY, OutcomeOptions())["state"]
        for seed in range(200)
    ]
    assert alarms.count("drift") <= 1


@pytest.mark.parametrize(
    "changed",
    [
        lambda frame: frame.assign(source="exploration"),
        lambda frame: frame.assign(source="rule"),
        lambda frame: frame.assign(is_violation=None),
        lambda frame: frame.assign(decided_at=pd.Timestamp("2027-01-01", tz="UTC")),
        lambda frame: frame.assign(version=["3"] * 30 + ["2"] * (len(frame) - 31) + ["3"]),
        lambda frame: frame.iloc[:0],
    ],
    ids=["explored", "a rule's", "open", "decided later", "another version's", "none"],
)
def test_only_the_champions_mature_cases_count(changed):
    """Without enough decided cases of the version that asked last, nothing is tested."""
    frame = changed(cases(lambda n: 0.4 if n < 23 else 0.15))
    assert queue_precision(frame, TODAY, OutcomeOptions())["state"] == "too few"


def test_a_certain_but_small_drop_is_no_drift():
    """With ever so many cases, four violations where there were five are not worth a training."""
    found = queue_precision(
        cases(lambda n: 0.5 if n < 23 else 0.4, per_day=400), TODAY, OutcomeOptions()
    )
    assert found["p_value"] < 0.001
    assert found["state"] == "quiet"


def test_young_cases_do_not_count():
    """Violations decided early cannot hide, nor fake, a drop in the days not yet mature."""
    late = cases(lambda n: 0.4 if n < 32 else 0.0, days=35)
    found = queue_precision(late, TODAY, OutcomeOptions())
    assert found["window"]["decided"] == 7 * 36
    assert found["state"] == "quiet"


def test_refuses():
    """A missing column and impossible windows are named."""
    with pytest.raises(SchemaError, match=r"\['version'\]"):
        queue_precision(cases(lambda _: 0.3).drop(columns="version"), TODAY, OutcomeOptions())
    with pytest.raises(ConfigurationError, match=r"outcome\.window_days"):
        OutcomeOptions(window_days=0)
    with pytest.raises(ConfigurationError, match=r"outcome\.settle_days"):
        OutcomeOptions(settle_days=-1)
    with pytest.raises(ConfigurationError, match=r"outcome\.ratio"):
        OutcomeOptions(ratio=0)


def scored(share=1.0, **changed):
    """Make decided cases with scores, ``share`` of what those promise being violations."""
    frame = cases(lambda _: 0.0, **changed)
    rng = np.random.default_rng(1)
    probability = rng.beta(2, 5, len(frame))
    violation = rng.random(len(frame)) < share * probability
    return frame.assign(probability=probability, is_violation=violation)


def test_calibration_compares_promises_with_verdicts():
    """Scores that promise twice what is found drift; honest ones do not."""
    honest, proud = (calibration(scored(share), TODAY, OutcomeOptions()) for share in (1, 0.5))
    assert (honest["state"], proud["state"]) == ("quiet", "drift")
    assert proud["observed"] < 0.65 * proud["expected"]
    assert honest["error"] < 0.08 < proud["error"]
    assert sum(each["decided"] for each in honest["bins"]) == honest["decided"] == 7 * 36
    json.dumps(proud, allow_nan=False)


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"is_violation": False}, "drift"),
        ({"is_violation": True}, "drift"),
        ({"probability": np.nan}, "too few"),
        ({"probability": 1.0, "is_violation": True}, "quiet"),
    ],
    ids=["none confirmed", "all confirmed", "no scores", "certain and right"],
)
def test_calibration_of_one_class(changed, state):
    """One class only, or no scores, is measured as far as it goes."""
    assert calibration(scored().assign(**changed), TODAY, OutcomeOptions())["state"] == state


def looks_of(frame):
    """Give the verdicts on first looks alone."""
    number = np.arange(len(frame)).astype(str)
    return frame.assign(
        verdict_id=number, case_id=number, first_case_id=None, moderator_id="moderator-1"
    )


def test_outcome_holds_it_all():
    """Precision, calibration, moderators and what is new to the last training are one JSON."""
    frame = scored()
    frame = pd.concat([frame.assign(version="1").head(500), frame.iloc[500:]])
    told = outcome_of(
        frame,
        looks_of(frame),
        as_of=TODAY,
        options=OutcomeOptions(),
        version="2",
        since=TODAY - timedelta(days=5),
    )
    assert list(told) == [
        "queue_precision",
        "missed",
        "missed_growth",
        "calibration",
        "moderators",
        "new_verdicts",
    ]
    assert told["queue_precision"]["version"] == "2"
    assert told["new_verdicts"]["decided"] == 4 * 36
    json.dumps(told, allow_nan=False)


def test_every_versions_verdicts_are_news():
    """A training learns from all verdicts, not only from the champion's cases."""
    frame = scored().assign(version="1")
    options = OutcomeOptions()
    told = outcome_of(frame, looks_of(frame), as_of=TODAY, options=options, version="2")
    assert told["queue_precision"]["state"] == "too few"
    assert told["new_verdicts"]["decided"] == len(frame)


def test_an_empty_queue_has_an_outcome():
    """Before the first verdict all is too few."""
    frame = scored().iloc[:0]
    told = outcome_of(frame, looks_of(frame), as_of=TODAY, options=OutcomeOptions())
    assert told["queue_precision"]["state"] == told["calibration"]["state"] == "too few"
    assert told["new_verdicts"] == {"decided": 0, "violations": 0}
    with pytest.raises(SchemaError, match=r"\['probability'\]"):
        outcome_of(frame.drop(columns="probability"), frame, as_of=TODAY, options=OutcomeOptions())
