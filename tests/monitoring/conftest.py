"""A small platform's quiet days, with effects that all users of a day share."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.monitoring.histograms import day_histograms
from ucu_mlops.monitoring.reference import build_reference

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
