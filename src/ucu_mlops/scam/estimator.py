"""Fit the scam model: outliers cut and scaled, classes balanced, boosted trees, calibrated.

::

    frame ─▶ float32 ─▶ clip, scale, encode ─▶ (sample) ─▶ LightGBM ─▶ log-odds ─▶ Platt ─▶ clip

All arithmetic up to the trees is float32, in the order that the exported network has, so that a
value lands on the same side of every split here and there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.features.reading import hint
from ucu_mlops.scam.balancing import METHODS, balance
from ucu_mlops.scam.calibration import Calibration, fit_platt, for_everybody
from ucu_mlops.scam.classifiers import ESTIMATORS, RELEASED, fit_classifier, log_odds
from ucu_mlops.scam.folds import fold_of_each_row
from ucu_mlops.scam.preprocessing import (
    SCALES,
    build_preprocessing,
    categories_of,
    model_frame,
)

# What may be tuned. Seeds, threads and the objective are not among it, nor what the export does
# not know: linear trees, categorical splits, zero as missing, random forests.
TUNABLE = (
    *("n_estimators", "learning_rate", "num_leaves", "max_depth", "max_bin", "extra_trees"),
    *("min_child_samples", "min_child_weight", "min_split_gain", "reg_alpha", "reg_lambda"),
    *("subsample", "subsample_freq", "colsample_bytree", "feature_fraction_bynode"),
    *("path_smooth", "class_weight", "scale_pos_weight"),
)


@dataclass(frozen=True)
class TrainingOptions:
    """How the scam model is fitted.

    Attributes:
        seed: Seed of folds, sampler and trees.
        estimator: ``lightgbm``; ``logistic`` and ``random_forest`` are for comparison only.
        outliers: ``lower`` and ``upper`` quantiles of the training rows; what lies beyond counts
            as lying there (0 and 1: nothing is cut).
        scale: ``linear``; ``log`` takes signed logarithms first and is for comparison only.
        balancing: ``none``, ``undersample`` (drop negatives), ``oversample`` (repeat positives) or
            ``smotenc`` (make positives up).
        ratio: Positives per negative after balancing, above 0 and at most 1.
        lightgbm: LightGBM's parameters, by their scikit-learn names.
        calibration_folds: Folds whose held-out log-odds the calibration is fitted on; at least 2.
        min_positives: Positive entities below which nothing is fitted; at least 2.
    """

    seed: int = 0
    estimator: str = RELEASED
    outliers: Mapping[str, float] = field(
        default_factory=lambda: {"lower": 0.001, "upper": 0.999}  # one row in a thousand each side
    )
    scale: str = "linear"
    balancing: str = "none"
    ratio: float = 1.0
    lightgbm: Mapping[str, Any] = field(default_factory=dict)
    calibration_folds: int = 5
    min_positives: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted or exported."""
        if set(self.outliers) != {"lower", "upper"} or not (
            0 <= self.outliers["lower"] < self.outliers["upper"] <= 1
        ):
            raise ConfigurationError(
                "training.outliers must have 0 <= lower < upper <= 1 and nothing else, "
                f"got {dict(self.outliers)}"
            )
        allowed = {"balancing": METHODS, "estimator": ESTIMATORS, "scale": SCALES}
        for name, choices in allowed.items():
            if (chosen := getattr(self, name)) not in choices:
                raise ConfigurationError(
                    f"training.{name} must be one of {sorted(choices)}, got {chosen!r}"
                )
        if not 0 < self.ratio <= 1:
            raise ConfigurationError(
                f"training.ratio must be above 0 and at most 1, got {self.ratio}"
            )
        if unknown := sorted(set(self.lightgbm) - set(TUNABLE)):
            raise ConfigurationError(
                f"training.lightgbm does not take {unknown}"
                f"{hint(unknown[0], TUNABLE) or f'; it takes {sorted(TUNABLE)}'}"
            )
        for name in ("calibration_folds", "min_positives"):
            if (value := getattr(self, name)) < 2:  # noqa: PLR2004 (one to learn, one to test)
                raise ConfigurationError(f"training.{name} must be at least 2, got {value}")


@dataclass(frozen=True)
class FittedScam:
    """A fitted model, before it is exported.

    Attributes:
        features: The inputs.
        preprocessing: Clips and scales the numbers, encodes the categories.
        classifier: Boosted trees, or what they are compared with, on what the preprocessing gives.
        calibration: From log-odds to probabilities.
        held_out: Calibrated probability of each training row by a model that never saw the
            row's entity, shape ``(n_rows,)``.
    """

    features: tuple[FeatureSpec, ...]
    preprocessing: ColumnTransformer
    classifier: LGBMClassifier | LogisticRegression | RandomForestClassifier
    calibration: Calibration
    held_out: NDArray[np.float64]

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Give each row its probability, shape ``(n_rows, 1)``."""
        if len(frame) == 0:
            return np.empty((0, 1))
        prepared = self.preprocessing.transform(model_frame(frame, self.features))
        return self.calibration.apply(log_odds(self.classifier, prepared)).reshape(-1, 1)


def fit(
    training_set: pd.DataFrame, features: Sequence[FeatureSpec], options: TrainingOptions
) -> FittedScam:
    """Fit on all rows, and calibrate on predictions for rows whose entity was left out.

    Args:
        training_set: One row per entity and day: the features, ``label`` (0 or 1), ``entity_id``
            (each row is an entity of its own where it is absent), ``weight`` (1 where absent) and
            ``propensity`` (with which the row was chosen; where it is absent, the rows are taken
            for everybody).
        features: The inputs.
        options: How to fit.

    Returns:
        The fitted model; the same rows in the same order give the same one.

    Raises:
        SchemaError: A column is missing or holds something else.
        DataError: A label is neither 0 nor 1, or a weight is not positive.
        NotEnoughDataError: Too few entities of either class.
    """
    labels, weights = _labels_and_weights(training_set)
    folds = fold_of_each_row(
        training_set, options.calibration_folds, options.seed, options.min_positives
    )
    frame = model_frame(training_set, features)

    held_out = np.empty(len(labels))
    for fold in range(options.calibration_folds):
        kept, left_out = folds != fold, folds == fold
        preprocessing, classifier = _fit_once(
            frame[kept], labels[kept], weights[kept], features, options
        )
        held_out[left_out] = log_odds(classifier, preprocessing.transform(frame[left_out]))
    calibration = fit_platt(held_out, labels, weights)
    if "propensity" in training_set.columns:
        propensities = training_set["propensity"].to_numpy(dtype=np.float64)
        calibration = for_everybody(calibration, held_out, labels, propensities)

    preprocessing, classifier = _fit_once(frame, labels, weights, features, options)
    return FittedScam(
        tuple(features), preprocessing, classifier, calibration, calibration.apply(held_out)
    )


def _labels_and_weights(
    training_set: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if "label" not in training_set.columns:
        raise SchemaError(f"training set needs column 'label'; got {list(training_set.columns)}")
    if not training_set["label"].isin((0, 1)).all():
        raise DataError("training set: label must be 0 or 1 in every row; drop undecided rows")
    labels = training_set["label"].to_numpy(dtype=np.int64)
    if "weight" not in training_set.columns:
        return labels, np.ones(len(labels))
    weights = training_set["weight"].to_numpy(dtype=np.float64, na_value=np.nan)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise DataError("training set: weight must be finite and above 0 in every row")
    return labels, weights


def _fit_once(
    frame: pd.DataFrame,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    features: Sequence[FeatureSpec],
    options: TrainingOptions,
) -> tuple[ColumnTransformer, LGBMClassifier | LogisticRegression | RandomForestClassifier]:
    preprocessing = build_preprocessing(features, options.outliers, options.scale)
    # Not imbalanced-learn's Pipeline: it would resample the rows and leave their weights behind.
    sample = balance(
        preprocessing.fit_transform(frame),
        labels,
        weights,
        method=options.balancing,
        ratio=options.ratio,
        seed=options.seed,
        widths=[len(each) for each in categories_of(preprocessing, features).values()],
    )
    classifier = fit_classifier(
        *sample, estimator=options.estimator, lightgbm=options.lightgbm, seed=options.seed
    )
    return preprocessing, classifier
