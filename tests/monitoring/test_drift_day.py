"""A day is quiet, drifting or broken, and quiet days stay quiet."""

from datetime import date

import numpy as np
import pytest

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions, measure_drift


def measured(reference, frame, **options):
    """Measure a day and return its rows by name."""
    drift = measure_drift(
        reference,
        frame,
        frame["probability"],
        model="scam",
        as_of=date(2026, 4, 3),
        options=DriftOptions(**options),
    )
    assert tuple(drift.columns) == DRIFT_COLUMNS
    return drift.set_index("name")


def states(drift):
    """Tell which names are not quiet."""
    return drift.loc[drift["state"] != "quiet", "state"].to_dict()


def test_sixty_quiet_days_are_quiet(reference, day):
    """Weekends and chance alarm on no feature of sixty later days."""
    alarms = [states(measured(reference, day(number))) for number in range(21, 81)]
    assert alarms == [{}] * 60


def test_the_floor_keeps_trifles_quiet(reference, day):
    """Without floor and margin, ordinary days would alarm."""
    alarms = [
        states(measured(reference, day(number), floor=1e-6, factor=1.0)) for number in range(21, 41)
    ]
    assert any(alarms)


def test_what_moves_drifts_alone(reference, day):
    """A feature that moved drifts, with its distance and threshold; the others stay quiet."""
    moved = day(22).assign(messages_sent=lambda frame: frame["messages_sent"] * 2)
    drift = measured(reference, moved)
    assert states(drift) == {"messages_sent": "drift"}
    row = drift.loc["messages_sent"]
    assert row["measure"] > row["threshold"] >= 2 * reference["features"]["messages_sent"]["quiet"]
    assert row["weight"] == pytest.approx(0.6)


def test_new_categories_and_moved_scores_drift(reference, day):
    """A country nobody came from before and scores that rise are drift."""
    moved = day(22).assign(
        country=lambda frame: frame["country"].replace("PL", "XX"),
        probability=lambda frame: np.sqrt(frame["probability"]),
    )
    drift = measured(reference, moved)
    assert states(drift) == {"country": "drift", "score": "drift"}
    assert drift.loc["score", "kind"] == "score"


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (lambda frame: frame.assign(sentiment=np.nan), ["sentiment"]),
        (lambda frame: frame.assign(country=None), ["country"]),
        (
            lambda frame: frame.assign(sentiment=frame["sentiment"].where(frame.index % 2 == 0)),
            ["sentiment"],
        ),
        (lambda frame: frame.assign(sentiment=np.inf), ["sentiment"]),
        (lambda frame: frame.assign(messages_sent=0), ["messages_sent"]),
        (lambda frame: frame.assign(country="UA"), ["country"]),
        (lambda frame: frame.assign(probability=np.nan), ["score"]),
    ],
    ids=[
        "all null",
        "a category all null",
        "half of them null",
        "all infinite",
        "a count that stopped",
        "a category that froze",
        "no scores",
    ],
)
def test_broken_data_is_a_fault(reference, day, spoil, broken):
    """What no quiet day came near is a fault of that feature alone."""
    drift = measured(reference, spoil(day(22)))
    assert states(drift) == dict.fromkeys(broken, "fault")


def test_rare_events_may_be_absent(reference, day):
    """A day without a single report is no fault: hardly anyone is reported anyway."""
    assert states(measured(reference, day(22).assign(reports=0))) == {}


def test_a_few_more_nulls_are_no_fault(reference, day):
    """Ten points more than usual are not twenty."""
    frame = day(22)
    fewer = frame.assign(sentiment=frame["sentiment"].where(frame.index % 10 > 0))
    assert states(measured(reference, fewer)) == {}


def test_an_empty_day_is_a_fault_everywhere(reference, day):
    """Nobody active: everything is missing, nothing was measured."""
    drift = measured(reference, day(22).iloc[:0])
    assert drift["state"].eq("fault").all()
    assert drift["missing_share"].eq(1).all()
    assert drift["measure"].isna().all()


def test_refuses_what_cannot_be_compared(reference, day):
    """A champion without a reference and a feature without a column are named."""
    with pytest.raises(NotEnoughDataError, match="no reference"):
        measured({}, day(22))
    with pytest.raises(SchemaError, match=r"\['country'\]"):
        measured(reference, day(22).drop(columns="country"))


@pytest.mark.parametrize(
    "wrong", [{"floor": 0}, {"factor": 0.5}, {"missing_jump": 1}, {"variety": 0}], ids=str
)
def test_refuses_options(wrong):
    """Thresholds that always or never alarm are refused by name."""
    with pytest.raises(ConfigurationError, match=f"drift.{next(iter(wrong))}"):
        DriftOptions(**wrong)
