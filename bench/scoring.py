"""A day's scoring of a million users, against pandas and a fitted scikit-learn pipeline.

stored inputs → probabilities → stored scores, on one thread each, the same trees in both
"""

from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from bench.harness import Contest, Data, Peer
from bench.scoring_ours import DAY, table
from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.datasets import warehouse
from ucu_mlops.scam.estimator import TrainingOptions, fit
from ucu_mlops.scam.training import train

USERS, TRAINING_ROWS, TREES = 1_000_000, 20_000, 200
TOLERANCE = 1e-6  # the network's numbers are float32
SCAMMERS, UNKNOWN = 0.03, 0.1  # shares: of the users, of each column's values
WORDS = ("UA", "PL", "DE", "FR", "GB", "US", "CA", "BR", "IN", "JP")
NUMERIC = [f"number_{each}" for each in range(24)]
CATEGORICAL = [f"word_{each}" for each in range(6)]
FEATURES = tuple(
    FeatureSpec(name, kind, "bench", "b1")
    for names, kind in ((NUMERIC, "numeric"), (CATEGORICAL, "categorical"))
    for name in names
)
OPTIONS = TrainingOptions(lightgbm={"n_estimators": TREES, "num_leaves": 31}, calibration_folds=2)


def draw_users(count: int, seed: int) -> pd.DataFrame:
    """Draw users: skewed numbers and words, some of them unknown, some of the users scammers."""
    rng = np.random.default_rng(seed)
    scam = rng.random(count) < SCAMMERS
    shift = np.where(scam, 0.5, 0.0)
    columns: dict[str, object] = {"entity_id": [f"u{each:07d}" for each in range(count)]}
    for name in NUMERIC:
        values = rng.lognormal(shift, 1.0, count)
        columns[name] = np.where(rng.random(count) < UNKNOWN, np.nan, values)
    for name in CATEGORICAL:
        words = rng.choice(np.array([*WORDS, None], dtype=object), count)
        columns[name] = pd.array(words, dtype="str")
    return pd.DataFrame(columns).assign(as_of=DAY, label=scam.astype("int64"), weight=1.0)


def prepare(folder: Path, count: int) -> None:
    """Fit the model, and store it and the inputs as each side wants them."""
    training_set = draw_users(TRAINING_ROWS, seed=1)
    draft = train(training_set, FEATURES, OPTIONS, as_of=DAY, training={"training_id": "bench"})
    write_bundle(draft, folder / "bundle")
    fitted = fit(training_set, FEATURES, OPTIONS)
    pipeline = make_pipeline(fitted.preprocessing, fitted.classifier)
    joblib.dump((pipeline, fitted.calibration), folder / "pipeline.joblib")
    users = draw_users(count, seed=2).drop(columns=["label", "weight"])
    users.to_parquet(folder / "inputs.parquet", index=False)
    table(folder, "inputs").save(users)
    warehouse.close_all()


def contests(scale: float) -> list[Contest]:
    """Score a million users, times ``scale``."""
    count = round(USERS * scale)
    return [
        Contest(
            name=f"scoring {count:,} users",
            data=Data(f"scoring_{count}_{TREES}", partial(prepare, count=count)),
            ours="bench.scoring_ours:ours",
            peers=[Peer("pandas + scikit-learn", "bench.scoring_peer:pandas_pipeline", 1.5, 3.0)],
            keys=["entity_id"],
            limit_mb=None,
            tolerance=TOLERANCE,
        )
    ]
