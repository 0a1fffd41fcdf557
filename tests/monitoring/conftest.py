"""A small platform's quiet days, with effects that all users of a day share."""

import json
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec, Manifest
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import day_histograms
from ucu_mlops.monitoring.reference import build_reference
from ucu_mlops.monitoring.summary import summarize

SPECS = [
    FeatureSpec("messages_sent", "numeric", "messages", "d"),
    FeatureSpec("sentiment", "numeric", "messages", "d"),
    FeatureSpec("country", "categorical", "profile", "d"),
    FeatureSpec("phone_verified", "categorical", "profile", "d"),
    FeatureSpec("reports", "numeric", "reports", "d"),
]
IMPORTANCES = {"messages_sent": 60.0, "sentiment": 30.0, "country": 9.0, "reports": 1.0}
FIRST = date(2026, 3, 1)


def platform_day(number, users=1_500):
    """Make one day of active users; weekends are busier for everybody."""
    generator = np.random.default_rng(number)
    busy = 1.3 if number % 7 > 4 else 1.0
    sentiment = generator.normal(0.1 * busy, 0.4, users)
    sentiment[generator.random(users) < 0.15] = np.nan
    return pd.DataFrame(
        {
            "entity_id": [f"u{each}" for each in range(users)],
            "as_of": FIRST + timedelta(days=number),
            "messages_sent": generator.poisson(4 * busy, users),
            "sentiment": sentiment,
            "country": generator.choice(["UA", "PL", "DE"], users, p=[0.6, 0.3, 0.1]),
            "phone_verified": generator.choice([True, False], users, p=[0.8, 0.2]),
            "reports": (generator.random(users) < 0.002).astype(int),
            "probability": generator.beta(1, 50, users),
        }
    )


@pytest.fixture
def day():
    """Return the maker of a platform's day."""
    return platform_day


@pytest.fixture(scope="session")
def quiet_days():
    """Return three weeks before a release."""
    return pd.concat([platform_day(number) for number in range(21)], ignore_index=True)


@pytest.fixture(scope="session")
def specs():
    """Return the model's features."""
    return SPECS


@pytest.fixture(scope="session")
def reference(quiet_days):
    """Return the reference of those weeks."""
    return build_reference(quiet_days, quiet_days["probability"], SPECS, IMPORTANCES)


@pytest.fixture
def count():
    """Return what counts a day's frame in the warehouse, per bin of a reference."""

    def counted(reference, frame):
        features = frame.drop(columns=["probability", "as_of"])
        schema = {"phone_verified": "boolean", "country": "string", "entity_id": "string"}
        kinds = {name: schema.get(name, "float64") for name in features}
        inputs = ibis.memtable(features, schema=kinds)
        scores = ibis.memtable(frame[["probability"]], schema={"probability": "float64"})
        return day_histograms(reference, inputs, scores).execute()

    return counted


@pytest.fixture
def drift_of(reference, count):
    """Return what measures a day."""

    def measure(frame, as_of):
        return measure_drift(
            reference,
            count(reference, frame),
            model="scam",
            version="2",
            as_of=as_of,
            options=DriftOptions(),
        )

    return measure


@pytest.fixture
def monitor(drift_of):
    """Return what describes a day of which moderators saw some cases."""

    def describe(frame):
        as_of = frame["as_of"].iloc[0] if len(frame) else FIRST + timedelta(days=22)
        window = {"decided": 40, "violations": 20, "precision": 0.5}
        evidence = {"outcome": {"queue_precision": {"window": window}}, "breaker": "closed"}
        sources = ["model", "model", "model", "exploration"] if len(frame) else []
        return summarize(
            drift_of(frame, as_of),
            {
                "as_of": pd.Timestamp(as_of),
                "action": "data_fault",
                "reasons": json.dumps(["sentiment is missing for everyone; check its feed."]),
                "evidence": json.dumps(evidence),
            },
            pd.DataFrame({"source": pd.Series(sources, dtype="str")}),
            champion=Manifest("scam", "model", "2026-03-20", tuple(SPECS), ()),
            capacity=60,
            outliers=2,
        )

    return describe


@pytest.fixture
def bad_day(day):
    """Return a day on which one feature moved and another is gone."""
    return day(22).assign(messages_sent=lambda frame: frame["messages_sent"] * 2, sentiment=np.nan)


@pytest.fixture
def monitored(monitor, bad_day):
    """Return the description of that day."""
    return monitor(bad_day)
