"""The nodes of monitoring: what they refuse, and what they log for machines."""

import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec, Manifest
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.features.period import Period
from ucu_mlops.monitoring.drift import DriftOptions
from ucu_mlops.monitoring.reference import build_reference
from ucu_mlops.pipelines.monitoring.nodes import count_source_arrivals, count_values, watch
from ucu_mlops.pipelines.monitoring.probation import watch_probation
from ucu_mlops.pipelines.monitoring.reporting import describe_day, list_outliers
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.probation import ProbationOptions
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import CASE_COLUMNS

DAY = date(2026, 3, 31)
PERIOD = Period(DAY, DAY)
FEATURES = (
    FeatureSpec("links", "numeric", "g", "d"),
    FeatureSpec("country", "categorical", "g", "d"),
)
OPTIONS = DriftOptions()
CASES = dict.fromkeys(CASE_COLUMNS, "string") | {
    "as_of": "date",
    "rank": "int64",
    "propensity": "float64",
    "probability": "float64",
}
VERDICTS = dict.fromkeys(("verdict_id", "case_id", "moderator_id"), "string") | {
    "is_violation": "boolean",
    "decided_at": "timestamp('UTC', 6)",
}


def users(day, seed):
    """Draw a day's users."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "entity_id": [f"u{each}" for each in range(400)],
            "as_of": day,
            "links": generator.poisson(3, 400).astype(float),
            "country": generator.choice(["UA", "PL"], 400),
            "probability": generator.beta(1, 9, 400),
        }
    )


@pytest.fixture(scope="module")
def champion():
    """Return a bundle that remembers two weeks."""
    quiet = pd.concat([users(date(2026, 3, 1 + each), each) for each in range(14)])
    reference = build_reference(quiet, quiet["probability"], FEATURES, {"links": 1.0})
    manifest = Manifest("scam", "model", "2026-03-14", FEATURES, (), reference=reference)
    return Bundle(Path(), manifest, "2")


@pytest.fixture
def tables():
    """Return inputs and scores of the day and the day before."""
    rows = pd.concat([users(DAY, 50), users(date(2026, 3, 30), 51)], ignore_index=True)
    rows.loc[3, "links"] = 5_000.0
    rows.loc[450, "links"] = 9_000.0  # yesterday's
    table = ibis.memtable(rows)
    return {"inputs": table.drop("probability"), "scores": table.drop("links", "country")}


@pytest.fixture
def feed():
    """Return what monitoring reads of the sources: an event a user and day, declared."""
    days = [*(date(2026, 3, 1 + each) for each in range(14)), DAY]
    moments = [pd.Timestamp(day, tz="UTC") for day in days for _ in range(400)]
    events = pd.DataFrame({"user": [f"u{n % 400}" for n in range(len(moments))], "at": moments})
    declared = {"sources": {"visits": {"entity": "user", "occurred": "at"}}}
    return {"source_tables": {"visits": ibis.memtable(events)}, "features": declared}


def arrivals(champion, feed, options=OPTIONS):
    """Count what arrived, as the node before ``watch`` does."""
    return count_source_arrivals(champion, **feed, options=options, period=PERIOD)


def test_the_day_is_counted_and_measured(champion, tables, feed):
    """Only the day's rows count, in the columns that the catalog declares."""
    histograms = count_values(champion, **tables, options=OPTIONS, period=PERIOD)
    counted = histograms.execute()
    assert set(counted) == {"model", "name", "as_of", "bin", "rows"}
    assert counted.groupby("name")["rows"].sum().tolist() == [400, 400, 400]
    drift = watch(
        champion,
        ibis.memtable(counted),
        tables["scores"],
        arrivals(champion, feed),
        options=OPTIONS,
        period=PERIOD,
    )
    assert drift.set_index("name")["state"].to_dict() == dict.fromkeys(
        ("links", "country", "score", "events:visits", "rows:scored"), "quiet"
    )
    assert drift.set_index("name")["outside_share"]["links"] == pytest.approx(1 / 400)


def test_without_a_reference_it_says_what_to_do(tables):
    """One line that names model, version and remedy."""
    bare = Bundle(Path(), Manifest("scam", "rule", "2026-03-14", FEATURES, ()), "1")
    with pytest.raises(NotEnoughDataError, match="scam, version 1, has no reference"):
        count_values(bare, **tables, options=OPTIONS, period=PERIOD)


def test_outliers_are_logged_with_their_ids(champion, tables, caplog):
    """The log record carries them for machines, and the table the columns of the catalog."""
    found = list_outliers(champion, tables["inputs"], OPTIONS, PERIOD)
    assert found[["entity_id", "value"]].to_numpy().tolist() == [["u3", 5_000.0]]
    assert {"model", "as_of", "name", "low", "high", "spans"} < set(found)
    (record,) = (each for each in caplog.records if hasattr(each, "outliers"))
    assert record.outliers[0]["entity_id"] == "u3"
    assert json.dumps(record.outliers)


def test_a_feed_that_lost_most_of_its_events_is_a_fault(champion, tables, feed):
    """Events that arrived on the day are compared with those of the reference's days."""
    events = feed["source_tables"]["visits"].execute()
    todays = events["at"].dt.date.eq(DAY)
    lost = ibis.memtable(events[~todays | (events.index % 5 == 0)])
    histograms = count_values(champion, **tables, options=OPTIONS, period=PERIOD).execute()
    drift = watch(
        champion,
        ibis.memtable(histograms),
        tables["scores"],
        arrivals(champion, feed | {"source_tables": {"visits": lost}}),
        options=OPTIONS,
        period=PERIOD,
    ).set_index("name")
    assert drift.loc["events:visits", ["rows", "state"]].tolist() == [80, "fault"]
    assert drift["state"].eq("fault").sum() == 1


def test_a_misspelt_unwatched_feature_is_refused(champion, tables, feed):
    """It would be watched all the same: the line names it, the key and the file."""
    options = DriftOptions(unwatched=["acount_age"])
    with pytest.raises(ConfigurationError, match=r"drift.unwatched .* got \['acount_age'\]"):
        arrivals(champion, feed, options)


def test_a_day_is_one_log_record(champion, tables, feed, caplog):
    """What the JSON file holds is logged too, for whoever collects logs."""
    histograms = count_values(champion, **tables, options=OPTIONS, period=PERIOD).execute()
    decision = {"as_of": DAY, "action": "none", "reasons": '["All quiet."]', "evidence": "{}"}
    with caplog.at_level(logging.INFO):
        day = describe_day(
            ibis.memtable(
                watch(
                    champion,
                    ibis.memtable(histograms),
                    tables["scores"],
                    arrivals(champion, feed),
                    options=OPTIONS,
                    period=PERIOD,
                )
            ),
            ibis.memtable(pd.DataFrame([decision])),
            ibis.memtable(pd.DataFrame({"as_of": [DAY], "source": ["model"]})),
            ibis.memtable(pd.DataFrame({"as_of": [DAY], "name": ["links"]})),
            champion,
            ReviewOptions(capacity=60),
            PERIOD,
        )
    (record,) = (each for each in caplog.records if hasattr(each, "monitoring"))
    assert record.monitoring == json.loads(json.dumps(day))
    assert (day["scored"], day["outliers"], day["queue"]["cases"]) == (400, 1, {"model": 1})


def test_probation_of_an_old_day_sees_no_later_move(champion):
    """A day that is played again does not judge the version that it led to."""
    moves = [
        Move(
            "scam",
            1,
            None,
            "1",
            "cold_start",
            "ann",
            "begin",
            "d1",
            datetime(2026, 3, 1, tzinfo=UTC),
        ),
        Move(
            "scam", 2, "1", "2", "promote", "run", "better", "d2", datetime(2026, 4, 1, tzinfo=UTC)
        ),
    ]
    cases = ibis.memtable(pd.DataFrame(columns=list(CASE_COLUMNS)), schema=CASES)
    verdicts = ibis.memtable(pd.DataFrame(columns=list(VERDICTS)), schema=VERDICTS)
    decisions = ibis.memtable(
        pd.DataFrame(columns=["as_of", "action", "evidence"]),
        schema={"as_of": "date", "action": "string", "evidence": "string"},
    )
    seen = [
        watch_probation(
            moves, cases, verdicts, decisions, champion, ProbationOptions(), Period(day, day)
        )
        for day in (DAY, date(2026, 4, 1))
    ]
    assert [(each["version"], each["state"]) for each in seen] == [("1", "none"), ("2", "on_trial")]
