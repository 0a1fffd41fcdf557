"""What may learn from the prepared matrix: boosted trees, and others to compare them with.

Only the boosted trees are released: their export is exact and their contributions are the reasons.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from ucu_mlops.errors import ConfigurationError

RELEASED = "lightgbm"
ESTIMATORS = (RELEASED, "logistic", "random_forest")
# On cores shared with others a second thread mostly waits, spinning: 0.05 s became 0.2-1.6 s.
THREADS = 1
FOREST = {"n_estimators": 200, "min_samples_leaf": 3, "max_features": "sqrt"}
NEVER_CERTAIN = 1e-4  # a forest of 200 trees tells shares no finer than their leaves


def fit_classifier(
    prepared: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    estimator: str,
    lightgbm: Mapping[str, Any],
    seed: int,
) -> LGBMClassifier | LogisticRegression | RandomForestClassifier:
    """Fit one of ``ESTIMATORS``.

    Args:
        prepared: Shape ``(n_rows, n_columns)``; NaN where a number is missing. Logistic regression
            takes it for the mean.
        labels: 0 or 1, shape ``(n_rows,)``.
        weights: Shape ``(n_rows,)``.
        estimator: Which one.
        lightgbm: Parameters of the boosted trees, by their scikit-learn names.
        seed: Seed of whatever is drawn.

    Raises:
        ConfigurationError: A parameter of the trees has a value that LightGBM does not take.
    """
    if estimator == "logistic":
        model = LogisticRegression(max_iter=5_000)
        return model.fit(np.nan_to_num(prepared).astype(np.float64), labels, sample_weight=weights)
    if estimator == "random_forest":
        model = RandomForestClassifier(**FOREST, random_state=seed, n_jobs=THREADS)
        return model.fit(prepared, labels, sample_weight=weights)
    model = LGBMClassifier(
        **lightgbm,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=THREADS,
        verbose=-1,
    )
    try:
        return model.fit(prepared, labels, sample_weight=weights)
    except LightGBMError as error:
        raise ConfigurationError(
            f"training: LightGBM does not take lightgbm={dict(lightgbm)}: {error}; correct it in "
            "conf/<env>/parameters/training.yml"
        ) from error


def log_odds(
    classifier: LGBMClassifier | LogisticRegression | RandomForestClassifier,
    prepared: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Give what the calibration is fitted on and applied to, shape ``(n_rows,)``."""
    if isinstance(classifier, LGBMClassifier):
        raw = classifier.booster_.predict(prepared, raw_score=True, num_threads=THREADS)
    elif isinstance(classifier, LogisticRegression):
        raw = classifier.decision_function(np.nan_to_num(prepared).astype(np.float64))
    else:
        shares = classifier.predict_proba(prepared)[:, 1]
        raw = logit(shares.clip(NEVER_CERTAIN, 1 - NEVER_CERTAIN))
    return np.asarray(raw, dtype=np.float64)
