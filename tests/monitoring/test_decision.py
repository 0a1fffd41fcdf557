"""Faults first, lasting drift that matters next, and reasons that people understand."""

import json
from datetime import date, timedelta

import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.decision import DecisionOptions, decide
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions, measure_drift

TODAY = date(2026, 4, 3)
NO_CASES = pd.DataFrame(
    {name: [] for name in ("as_of", "source", "version", "is_violation", "decided_at")}
)
WEIGHTS = {"messages_sent": 0.6, "sentiment": 0.36, "reports": 0.03, "country": 0.01}


def rows(**states):
    """Make drift rows: for each name its state on the last days, oldest first (q, d or f)."""
    length = max(map(len, states.values()), default=1)
    names = {"messages_sent": "q" * length, "score": "q" * length} | states
    words = {"q": ("quiet", 0.04), "d": ("drift", 0.21), "f": ("fault", 0.5)}
    return pd.DataFrame(
        [
            (
                "scam",
                name,
                TODAY - timedelta(days=len(letters) - 1 - position),
                "2",
                "score" if name == "score" else "numeric",
                words[letter][1],
                0.1,
                0.5,
                0.1,
                0.02,
                0.0,
                0.0,
                1_500,
                1.0 if name == "score" else WEIGHTS[name],
                words[letter][0],
            )
            for name, letters in names.items()
            for position, letter in enumerate(letters)
        ],
        columns=list(DRIFT_COLUMNS),
    )


def decided(drift, outcome=NO_CASES, last_release=None, **options):
    """Decide about today."""
    return decide(
        drift,
        outcome,
        model="scam",
        as_of=TODAY,
        options=DecisionOptions(**options),
        last_release=last_release,
    )


@pytest.mark.parametrize(
    ("states", "action"),
    [
        ({"messages_sent": "qqq"}, "none"),
        ({"messages_sent": "qqd"}, "none"),
        ({"messages_sent": "qdd"}, "retrain"),
        ({"messages_sent": "dqd"}, "retrain"),
        ({"messages_sent": "ddqqq"}, "none"),
        ({"score": "qdd"}, "retrain"),
        ({"country": "ddd"}, "none"),
        ({"country": "ddd", "reports": "ddd"}, "none"),
        ({"country": "ddd", "sentiment": "qdd"}, "retrain"),
        ({"country": "qqf"}, "data_fault"),
        ({"country": "qfq"}, "none"),
        ({"messages_sent": "ddd", "country": "qqf"}, "data_fault"),
    ],
    ids=[
        "quiet",
        "one day is no trend",
        "two of three days",
        "two of three days with a gap",
        "long over",
        "the score",
        "what hardly matters",
        "two that hardly matter together",
        "one that matters among them",
        "a fault today",
        "yesterday's fault is mended",
        "a fault outweighs drift",
    ],
)
def test_weighs_the_last_days(states, action):
    """Each pattern of days leads to its action."""
    assert decided(rows(**states)).action == action


def test_reasons_are_sentences():
    """A moderator lead reads what moved, by how much, since when and how much it matters."""
    moved = "{} moved: Jensen-Shannon 0.21, alarm above 0.10, on 3 of 3 days, since {}; it is {}."
    decision = decided(rows(messages_sent="qddd", country="ddd"))
    assert decision.reasons == [
        moved.format("messages_sent", "2026-04-01", "60% of what matters"),
        moved.format("country", "2026-04-01", "1% of what matters"),
    ]
    trifles = "(country: 1.0% of what matters, 5% would be enough)"
    assert decided(rows(country="ddd")).reasons == [
        f"Only features that hardly matter moved {trifles}."
    ]
    broken = "missing for 2%, Jensen-Shannon 0.50 from usual, which no quiet day came near"
    assert decided(rows(country="qqf")).reasons == [
        f"country looks broken: {broken}; check its feed."
    ]


def test_is_a_row_and_deciding_again_is_the_same():
    """The decision's id follows from model and day; its lists are JSON."""
    decision = decided(rows(messages_sent="ddd"))
    assert decision == decided(rows(messages_sent="ddd"))
    row = decision.to_dict()
    assert list(row) == ["decision_id", "model", "as_of", "action", "reasons", "evidence"]
    assert json.loads(json.dumps([row["reasons"], row["evidence"]], allow_nan=False))
    assert decision.decision_id == decided(rows(messages_sent="qqq")).decision_id


def test_after_a_release_training_waits():
    """Within the cool-down drift is told but not acted on; a fault still is."""
    drift = rows(messages_sent="ddd")
    cooling = decided(drift, last_release=TODAY - timedelta(days=6))
    assert cooling.action == "none"
    assert cooling.reasons[0] == (
        "Training again waits until 2026-04-04: the last training was on 2026-03-28."
    )
    assert "messages_sent moved" in cooling.reasons[1]
    assert decided(drift, last_release=TODAY - timedelta(days=7)).action == "retrain"
    fault = rows(messages_sent="ddd", country="qqf")
    assert decided(fault, last_release=TODAY - timedelta(days=1)).action == "data_fault"


def test_drift_from_before_the_release_is_forgotten():
    """What drifted from the old champion's reference is no reason to replace the new one."""
    drift = rows(messages_sent="ddq")
    assert decided(drift, cooldown_days=0).action == "retrain"
    released = TODAY - timedelta(days=1)
    assert decided(drift, last_release=released, cooldown_days=0).action == "none"


def test_later_days_do_not_count():
    """Deciding about an old day again gives what it gave."""
    later = rows(messages_sent="dd").assign(as_of=TODAY + timedelta(days=1))
    assert decided(pd.concat([rows(messages_sent="qqd"), later])).action == "none"


def test_a_day_without_drift_is_a_fault():
    """A day that was never monitored is not taken for a quiet one."""
    decision = decided(rows(messages_sent="qq").iloc[:0])
    assert decision.action == "data_fault"
    assert "Nothing was measured on 2026-04-03" in decision.reasons[0]


def test_an_empty_day_is_a_fault(reference, day, count):
    """Nobody active: one clear reason, not one per feature."""
    drift = measure_drift(
        reference,
        count(reference, day(22).iloc[:0]),
        model="scam",
        version="2",
        as_of=TODAY,
        options=DriftOptions(),
    )
    decision = decided(drift)
    assert decision.action == "data_fault"
    assert decision.reasons == [
        "Nothing arrived on 2026-04-03: no active users and no scores; check the feeds."
    ]


def test_agreeing_less_is_reason_enough():
    """When moderators confirm far fewer cases, the model is trained again although all is quiet."""
    start = pd.Timestamp("2026-03-01")
    outcome = pd.DataFrame(
        [
            (
                start + pd.Timedelta(days=number),
                "model",
                "2",
                case < (20 if number < 20 else 4),
                pd.Timestamp("2026-03-02", tz="UTC") + pd.Timedelta(days=number),
            )
            for number in range(31)
            for case in range(40)
        ],
        columns=list(NO_CASES.columns),
    )
    decision = decided(rows(messages_sent="qqq"), outcome)
    assert decision.action == "retrain"
    assert decision.reasons == [
        "Moderators confirm fewer of the model's cases: 10% of 280, in its first days 50% of 560."
    ]


def test_refuses():
    """A missing column and a window that cannot be filled are named."""
    with pytest.raises(SchemaError, match=r"\['state'\]"):
        decided(rows(messages_sent="q").drop(columns="state"))
    with pytest.raises(ConfigurationError, match="got 4 of 3"):
        DecisionOptions(drifting_days=4)
    with pytest.raises(ConfigurationError, match="min_weight"):
        DecisionOptions(min_weight=2)
    with pytest.raises(ConfigurationError, match="cooldown_days"):
        DecisionOptions(cooldown_days=-1)


def test_options_come_from_yaml():
    """Kedro hands over nested options as a mapping; they are validated too."""
    assert DecisionOptions(outcome={"window_days": 5}).outcome.window_days == 5
    with pytest.raises(ConfigurationError, match=r"outcome\.window_days"):
        DecisionOptions(outcome={"window_days": 0})
