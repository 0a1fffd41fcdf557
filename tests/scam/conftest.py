"""Users whose messages and country tell scams, and a model that learned it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import revise, write_bundle
from ucu_mlops.scam.estimator import TrainingOptions, fit
from ucu_mlops.scam.training import train

FEATURES = (
    FeatureSpec("messages_sent_7d", "numeric", "messages", "a1"),
    FeatureSpec("country", "categorical", "profile", "b2"),
    FeatureSpec("sentiment_mean_1d", "numeric", "messages", "a1"),
    FeatureSpec("phone_verified", "categorical", "profile", "b2"),
    FeatureSpec("amount_life", "numeric", "transfers", "c3"),
)
OPTIONS = TrainingOptions(
    lightgbm={"n_estimators": 40, "num_leaves": 7, "min_child_samples": 10}, calibration_folds=3
)


def draw_users(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """Draw users, several days of each, a sixth of them scammers with many messages."""
    rng = np.random.default_rng(seed)
    entity = rng.integers(0, n_rows // 2, n_rows)
    scam = np.isin(entity, rng.permutation(n_rows // 2)[: n_rows // 12])
    return pd.DataFrame(
        {
            "entity_id": entity.astype(str),
            "messages_sent_7d": rng.poisson(np.where(scam, 16, 8)).astype(float),
            "country": np.where(
                rng.random(n_rows) < 0.1, None, rng.choice(["UA", "PL", "DE"], n_rows)
            ),
            "sentiment_mean_1d": np.where(
                rng.random(n_rows) < 0.3, np.nan, rng.normal(0.1, 0.4, n_rows)
            ),
            "phone_verified": rng.random(n_rows) < np.where(scam, 0.2, 0.9),
            "amount_life": np.where(rng.random(n_rows) < 0.02, 1e70, rng.lognormal(2, 3, n_rows)),
            "label": (scam ^ (rng.random(n_rows) < 0.05)).astype(int),
            "weight": rng.choice([1.0, 2.0], n_rows),
            "cohort": rng.choice(["old", "new"], n_rows),
        }
    )


@pytest.fixture(scope="session")
def features():
    return FEATURES


@pytest.fixture(scope="session")
def options():
    return OPTIONS


@pytest.fixture(scope="session")
def users():
    """Hand over the function that draws users."""
    return draw_users


@pytest.fixture(scope="session")
def training_set():
    return draw_users(1_200)


@pytest.fixture(scope="session")
def fitted(training_set):
    return fit(training_set, FEATURES, OPTIONS)


@pytest.fixture(scope="session")
def bundle(training_set, tmp_path_factory):
    """Write the bundle of a model whose reference says what is usual."""
    folder = tmp_path_factory.mktemp("scam") / "bundle"
    draft = train(
        training_set, FEATURES, OPTIONS, as_of=date(2026, 3, 31), training={"training_id": "t1"}
    )
    usual = {"messages_sent_7d": 6.0, "country": "UA", "phone_verified": "true"}
    reference = {"features": {name: {"median": value} for name, value in usual.items()}}
    return write_bundle(revise(write_bundle(draft, folder), reference=reference), folder)
