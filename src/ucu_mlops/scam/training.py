"""From a training set to the draft of a bundle."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.bundle.predict import MODEL_FILE
from ucu_mlops.bundle.store import Draft
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.quality.metrics import best_f1_threshold, classification_metrics
from ucu_mlops.scam.classifiers import RELEASED
from ucu_mlops.scam.estimator import FittedScam, TrainingOptions, fit
from ucu_mlops.scam.onnx_export import preprocessing_to_onnx, to_onnx
from ucu_mlops.scam.preprocessing import source_of_columns

MODEL = "scam"
PREPROCESSING_FILE = "preprocess.onnx"
TREES_FILE = "lightgbm.txt"
UNSET_THRESHOLD = 0.5  # until the review policy sets one that fits the capacity


def train(
    training_set: pd.DataFrame,
    features: Sequence[FeatureSpec],
    options: TrainingOptions,
    *,
    as_of: date,
    training: dict[str, Any],
) -> Draft:
    """Fit the scam model and write all that scoring and explaining need.

    Args:
        training_set: One row per entity and day: the features, ``label`` (0 or 1), ``entity_id``
            and ``weight``.
        features: The inputs.
        options: How to fit.
        as_of: The last day that training saw (UTC).
        training: What identifies the training set; kept in the manifest as it is.

    Returns:
        A bundle without review policy or reference yet. Its manifest's ``training`` adds
        ``options``, ``columns`` (the feature behind each column of the trees), ``importances``
        (share of the trees' gain per feature) and ``held_out`` (figures on the calibration's
        held-out predictions, at their best F1).

    Raises:
        ConfigurationError: The options are for comparison only.
        SchemaError: A column is missing or holds something else.
        DataError: A label is neither 0 nor 1, or a weight is not positive.
        NotEnoughDataError: Too few entities of either class.
    """
    if (options.estimator, options.scale) != (RELEASED, "linear"):
        raise ConfigurationError(
            f"training.estimator {options.estimator!r} with scale {options.scale!r} is for "
            f"comparison only; release {RELEASED!r} with 'linear', whose export is exact"
        )
    fitted = fit(training_set, features, options)
    columns = source_of_columns(fitted.preprocessing, features)
    manifest = Manifest(
        model=MODEL,
        kind="model",
        as_of=str(as_of),
        features=tuple(features),
        labels=(LabelSpec(MODEL, UNSET_THRESHOLD),),
        calibration={"method": "platt", **asdict(fitted.calibration)},
        training={
            **training,
            "options": asdict(options),
            "columns": columns,
            "importances": importances(fitted, columns),
            "held_out": _held_out_metrics(fitted, training_set),
        },
    )
    files = {
        MODEL_FILE: to_onnx(fitted),
        PREPROCESSING_FILE: preprocessing_to_onnx(fitted),
        TREES_FILE: fitted.classifier.booster_.model_to_string().encode(),
    }
    return Draft(manifest, files)


def importances(fitted: FittedScam, columns: Sequence[str]) -> dict[str, float]:
    """Give each feature's share of the trees' gain.

    Args:
        fitted: The fitted model.
        columns: The feature behind each column of the trees.
    """
    gains = np.asarray(fitted.classifier.booster_.feature_importance("gain"), dtype=np.float64)
    shares = gains / max(gains.sum(), np.finfo(np.float64).tiny)
    names = [spec.name for spec in fitted.features]
    return {name: float(shares[[column == name for column in columns]].sum()) for name in names}


def _held_out_metrics(fitted: FittedScam, training_set: pd.DataFrame) -> dict[str, float]:
    labels, weights = training_set["label"], training_set.get("weight")
    threshold = best_f1_threshold(labels, fitted.held_out, weights)
    return classification_metrics(labels, fitted.held_out, threshold, weights) | {
        "threshold": threshold
    }
