"""A day is quiet, drifting or broken, and quiet days stay quiet."""

from datetime import date

import numpy as np
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions, measure_drift
from ucu_mlops.monitoring.reference import build_reference


@pytest.fixture
def measured(reference, count):
    """Return what measures a day and gives its rows by name."""

    def measure(frame, **options):
        drift = measure_drift(
            reference,
            count(reference, frame),
            model="scam",
            version="2",
            as_of=frame["as_of"].iloc[0] if len(frame) else date(2026, 4, 3),
            options=DriftOptions(**options),
        )
        assert tuple(drift.columns) == DRIFT_COLUMNS
        return drift.set_index("name")

    return measure


def states(drift):
    """Tell which names are not quiet."""
    return drift.loc[drift["state"] != "quiet", "state"].to_dict()


def test_sixty_quiet_days_are_quiet(measured, day):
    """Weekends and chance alarm on no feature of sixty later days."""
    alarms = [states(measured(day(number))) for number in range(21, 81)]
    assert alarms == [{}] * 60


def test_the_floor_keeps_trifles_quiet(measured, day):
    """Without floor and margin, ordinary days would alarm."""
    alarms = [states(measured(day(number), floor=1e-6, level=0.99)) for number in range(21, 41)]
    assert any(alarms)


def test_what_moves_drifts_alone(measured, day):
    """A feature that moved drifts, with its distance and threshold; the others stay quiet."""
    moved = day(22).assign(messages_sent=lambda frame: frame["messages_sent"] * 2)
    drift = measured(moved)
    assert states(drift) == {"messages_sent": "drift"}
    row = drift.loc["messages_sent"]
    assert row["measure"] > row["threshold"] >= 0.1
    assert row["l_infinity"] > 0.1
    assert row["p_value"] < 1e-9
    assert (row["rows"], row["version"]) == (1_500, "2")
    assert row["weight"] == pytest.approx(0.6)


def test_new_categories_and_moved_scores_drift(measured, day):
    """A country nobody came from before and scores that rise are drift."""
    moved = day(22).assign(
        country=lambda frame: frame["country"].replace("DE", "XX"),
        probability=lambda frame: np.sqrt(frame["probability"]),
    )
    drift = measured(moved)
    assert states(drift) == {"country": "drift", "score": "drift"}
    assert drift.loc["score", "kind"] == "score"
    assert drift.loc["country", "unseen_share"] == pytest.approx(0.1, abs=0.02)


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
        (lambda frame: frame.assign(country=frame["country"].str.lower()), ["country"]),
        (lambda frame: frame.assign(sentiment=frame["sentiment"] * 100), ["sentiment"]),
    ],
    ids=[
        "all null",
        "a category all null",
        "half of them null",
        "all infinite",
        "a count that stopped",
        "a category that froze",
        "no scores",
        "words spelled otherwise",
        "another unit",
    ],
)
def test_broken_data_is_a_fault(measured, day, spoil, broken):
    """What no quiet day came near is a fault of that feature alone."""
    drift = measured(spoil(day(22)))
    assert states(drift) == dict.fromkeys(broken, "fault")


def test_rare_events_may_be_absent(measured, day):
    """A day without a single report is no fault: hardly anyone is reported anyway."""
    assert states(measured(day(22).assign(reports=0))) == {}


def test_a_few_more_nulls_are_no_fault(measured, day):
    """Ten points more than usual are not twenty."""
    frame = day(22)
    fewer = frame.assign(sentiment=frame["sentiment"].where(frame.index % 10 > 0))
    assert states(measured(fewer)) == {}


def test_an_empty_day_is_a_fault_everywhere(measured, day):
    """Nobody active: everything is missing, nothing was measured."""
    drift = measured(day(22).iloc[:0])
    assert drift["state"].eq("fault").all()
    assert drift["missing_share"].eq(1).all()
    assert drift["measure"].isna().all()


def test_refuses_what_cannot_be_compared(reference, day, count):
    """A champion without a reference, a feature without a column and a lost column are named."""
    given = {"model": "scam", "version": "2", "as_of": date(2026, 4, 3), "options": DriftOptions()}
    histograms = count(reference, day(22))
    with pytest.raises(NotEnoughDataError, match="no reference of single days"):
        measure_drift({}, histograms, **given)
    with pytest.raises(SchemaError, match=r"\['country'\]"):
        count(reference, day(22).drop(columns="country"))
    with pytest.raises(SchemaError, match=r"\['rows'\]"):
        measure_drift(reference, histograms.drop(columns="rows"), **given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"floor": 0},
        {"level": 1},
        {"missing_jump": 1},
        {"variety": 0},
        {"unseen_jump": 0},
        {"outliers": 0},
    ],
    ids=str,
)
def test_refuses_options(wrong):
    """Thresholds that always or never alarm are refused by name."""
    with pytest.raises(ConfigurationError, match=f"drift.{next(iter(wrong))}"):
        DriftOptions(**wrong)


def test_what_was_never_known_is_no_fault(quiet_days, day, count):
    """A feature null on all quiet days may stay null, and may arrive: nothing is far from it."""
    empty = [FeatureSpec("sentiment", "numeric", "g", "d")]
    frame = quiet_days.assign(sentiment=np.nan)
    reference = build_reference(frame, frame["probability"], empty, {})
    given = {"model": "scam", "version": "2", "as_of": date(2026, 4, 3), "options": DriftOptions()}
    for todays in (day(22).assign(sentiment=np.nan), day(22)):
        drift = measure_drift(reference, count(reference, todays), **given).set_index("name")
        assert drift.loc["sentiment", "state"] == "quiet"
        assert np.isnan(drift.loc["sentiment", "measure"])


def test_what_was_always_one_value_may_stay_so(quiet_days, day, count):
    """One class only, then and now, is no fault; a second one is a value never seen."""
    frame = quiet_days.assign(country="UA")
    spec = [FeatureSpec("country", "categorical", "g", "d")]
    reference = build_reference(frame, frame["probability"], spec, {})
    given = {"model": "scam", "version": "2", "as_of": date(2026, 4, 3), "options": DriftOptions()}
    states = [
        measure_drift(reference, count(reference, todays), **given).set_index("name")["state"]
        for todays in (day(22).assign(country="UA"), day(22).assign(country="PL"))
    ]
    assert [each["country"] for each in states] == ["quiet", "fault"]
