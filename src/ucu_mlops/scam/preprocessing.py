"""From a frame of features to the float32 matrix that the trees split on."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import model_inputs

SCALES = ("linear", "log")


class ClippedScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Cut each column at its training quantiles, then subtract the mean and divide by the spread.

    NaN stays NaN. A column that has one value only, or none, is not divided.

    Args:
        lower: Quantile below which values count as that quantile.
        upper: Quantile above which values count as that quantile.
    """

    def __init__(self, lower: float, upper: float) -> None:
        self.lower = lower
        self.upper = upper

    def fit(self, values: Any, _labels: Any = None) -> Self:
        """Learn quantiles, mean and spread in float64 and keep them as float32."""
        columns = np.array(values, dtype=np.float64)
        columns[:, np.isnan(columns).all(axis=0)] = 0.0
        low, high = np.nanquantile(columns, (self.lower, self.upper), axis=0)
        self.low_, self.high_ = low.astype(np.float32), high.astype(np.float32)
        clipped = columns.clip(self.low_, self.high_)
        center, spread = np.nanmean(clipped, axis=0), np.nanstd(clipped, axis=0)
        # A constant column's rounding errors are no spread.
        smallest = np.finfo(np.float32).tiny + np.finfo(np.float32).eps * np.abs(center)
        self.center_ = center.astype(np.float32)
        self.scale_ = np.where(spread > smallest, spread, 1.0).astype(np.float32)
        return self

    def transform(self, values: Any) -> NDArray[np.float32]:
        """Apply what was learned, in float32 throughout."""
        columns = np.asarray(values, dtype=np.float32)
        clipped = np.minimum(np.maximum(columns, self.low_), self.high_)
        scaled: NDArray[np.float32] = (clipped - self.center_) / self.scale_
        return scaled


def model_frame(frame: pd.DataFrame, features: Sequence[FeatureSpec]) -> pd.DataFrame:
    """Bring features into the form that the exported network gets them in.

    Args:
        frame: One row per entity and day, one column per feature.
        features: The inputs.

    Returns:
        The features alone, row for row: float32, or strings with ``""`` for null.

    Raises:
        SchemaError: A feature's column is missing or holds what is no number.
    """
    inputs = model_inputs(frame, features)
    return pd.DataFrame({name: column.ravel() for name, column in inputs.items()})


def named(features: Sequence[FeatureSpec], kind: str) -> list[str]:
    """Name the features of one kind, in order."""
    return [spec.name for spec in features if spec.kind == kind]


def build_preprocessing(
    features: Sequence[FeatureSpec], outliers: Mapping[str, float], scale: str = "linear"
) -> ColumnTransformer:
    """Build what is yet to be fitted: numbers clipped and scaled, then categories one by one.

    Args:
        features: The inputs.
        outliers: ``lower`` and ``upper`` quantiles.
        scale: ``linear``, or ``log`` for signed logarithms before all else.
    """
    scaler: Any = ClippedScaler(**outliers)
    if scale == "log":
        scaler = make_pipeline(FunctionTransformer(_signed_log), scaler)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return ColumnTransformer(
        [
            ("numeric", scaler, named(features, "numeric")),
            ("categorical", encoder, named(features, "categorical")),
        ]
    )


def categories_of(
    preprocessing: ColumnTransformer, features: Sequence[FeatureSpec]
) -> dict[str, list[str]]:
    """List the known categories of each categorical feature, in the order of its columns."""
    if not (names := named(features, "categorical")):
        return {}
    known = preprocessing.named_transformers_["categorical"].categories_
    return {name: [str(each) for each in kinds] for name, kinds in zip(names, known, strict=True)}


def source_of_columns(
    preprocessing: ColumnTransformer, features: Sequence[FeatureSpec]
) -> list[str]:
    """Name the feature that each column of the matrix comes from."""
    encoded = categories_of(preprocessing, features)
    return named(features, "numeric") + [name for name in encoded for _ in encoded[name]]


def _signed_log(values: Any) -> NDArray[np.float32]:
    numbers = np.asarray(values, dtype=np.float64)
    logarithms: NDArray[np.float32] = (np.sign(numbers) * np.log1p(np.abs(numbers))).astype(
        np.float32
    )
    return logarithms
