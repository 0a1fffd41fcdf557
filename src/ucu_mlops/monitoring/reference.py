"""What a model's inputs and scores looked like on the quiet days before its release.

The days are compared with each other, each with the pooled others: what differs that much between
quiet days, because of an effect common to all users of a day, must not alarm later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError, SchemaError
from ucu_mlops.quality.checks import Allowed, check_numbers
from ucu_mlops.quality.drift import (
    as_words,
    bin_edges,
    category_counts,
    finite_numbers,
    histogram,
    jensen_shannon,
)

SCORE = "score"
CATEGORIES = 50  # the most frequent are counted one by one, the others together
MIN_DAYS = 2


@dataclass(frozen=True)
class ReferenceOptions:
    """What a model remembers of the days before its release.

    Attributes:
        days: Whole days up to ``as_of`` that count as quiet, at least 2: differences between
            quiet days are what drift is measured against.
    """

    days: int

    def __post_init__(self) -> None:
        two = Allowed(least=MIN_DAYS, whole=True)
        check_numbers(self, "reference", "training.yml", days=two)


def build_reference(
    frame: pd.DataFrame,
    probabilities: ArrayLike,
    features: Sequence[FeatureSpec],
    importances: Mapping[str, float],
) -> dict[str, Any]:
    """Describe the days before a release, for :func:`ucu_mlops.monitoring.drift.measure_drift`.

    Args:
        frame: One row per active entity and day, of at least two days. Needs ``as_of`` (date) and
            each feature (numbers, or categories of any type that reads as text); null is unknown,
            infinite counts as null.
        probabilities: The model's answers for each row, shape ``(n_rows,)`` or, of several labels,
            ``(n_rows, n_labels)``: their scores are counted together.
        features: The model's features.
        importances: How much each feature matters to the model, 0 or more, on any scale; features
            without one do not matter. When all are 0 each matters alike.

    Returns:
        A JSON object: ``days`` (how many), ``days_covered`` (ISO dates), ``rows`` (median per
        day), ``features`` (by name) and ``score``. A feature has ``kind``, ``edges`` or
        ``categories``, ``daily`` (counts per day and bin), ``shares`` (per bin, of all days
        together), ``median`` (for a category the most frequent), ``missing`` and
        ``largest_missing`` (pooled and largest daily share of nulls), ``quiet`` (largest
        Jensen-Shannon distance of a day from the pooled others), ``variety`` (smallest daily
        share of values outside the fullest bin) and ``weight`` (share of the importances).

    Raises:
        ConfigurationError: A feature is called like the score, or an importance is negative.
        DataError: There is not one probability, or one per label, for each row.
        NotEnoughDataError: There are fewer than two days.
        SchemaError: A column is missing.
    """
    names = [spec.name for spec in features]
    weights = _weights(names, importances)
    scores = np.asarray(probabilities, dtype=np.float64)
    if missing := sorted({"as_of", *names} - set(frame.columns)):
        raise SchemaError(f"the reference needs {missing}; got {list(frame.columns)}")
    if scores.ndim not in {1, 2} or len(scores) != len(frame):
        raise DataError(f"the reference has {len(frame)} rows but scores {scores.shape}")
    days, dates = pd.factorize(frame["as_of"], sort=True)
    of_scores = np.repeat(days, scores.size // max(days.size, 1))
    rows = np.bincount(days) if days.size else np.zeros(0, dtype=np.int64)
    if rows.size < MIN_DAYS:
        raise NotEnoughDataError(
            f"the reference needs at least {MIN_DAYS} days to tell how much quiet days differ, "
            f"got {rows.size}; build features of more days"
        )
    return {
        "days": int(rows.size),
        "days_covered": [pd.Timestamp(day).date().isoformat() for day in dates],
        "rows": float(np.median(rows)),
        "features": {
            spec.name: _profile(frame[spec.name], days, spec.kind) | {"weight": weights[spec.name]}
            for spec in features
        },
        "score": _profile(pd.Series(scores.ravel()), of_scores, SCORE) | {"weight": 1.0},
    }


def bin_counts(profile: Mapping[str, Any], values: pd.Series) -> NDArray[np.int64]:
    """Count values in the bins of a reference.

    Args:
        profile: What the reference knows of a feature or of the score.
        values: A day's values of it.

    Returns:
        Counts, one per entry of the profile's ``shares``.
    """
    if profile["kind"] == "categorical":
        return category_counts(values, profile["categories"])
    return histogram(as_numbers(values), profile["edges"])


def missing_share(kind: str, values: pd.Series) -> float:
    """Give the share of values that are null (or infinite); 1 when there are none at all.

    Args:
        kind: ``categorical``, ``numeric`` or ``score``.
        values: The values.
    """
    unknown = values.isna() if kind == "categorical" else ~np.isfinite(as_numbers(values))
    return float(unknown.mean()) if len(values) else 1.0


def variety(counts: NDArray[np.int64]) -> float:
    """Give the share of known values outside the fullest bin; 0 when there are none at all.

    Args:
        counts: Values per bin, shape ``(n_bins,)``.
    """
    return 1.0 - float(counts.max() / counts.sum()) if counts.sum() else 0.0


def as_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Read a column of numbers, its nulls as NaN."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _profile(values: pd.Series, days: NDArray[np.int64], kind: str) -> dict[str, Any]:
    profile: dict[str, Any] = {"kind": kind}
    if kind == "categorical":
        frequent = as_words(values).value_counts()
        categories = sorted(frequent.index, key=lambda name: (-frequent[name], name))
        profile["categories"] = categories[:CATEGORIES]
        profile["median"] = categories[0] if categories else None
    else:
        known = finite_numbers(as_numbers(values))
        profile["edges"] = bin_edges(known).tolist()
        profile["median"] = float(np.median(known)) if known.size else None
    daily = [values[days == day] for day in range(int(days.max()) + 1)]
    counts = np.stack([bin_counts(profile, day) for day in daily])
    shares = counts.sum(axis=0) / max(counts.sum(), 1)
    return profile | {
        "daily": counts.tolist(),
        "shares": shares.tolist(),
        "missing": missing_share(kind, values),
        "largest_missing": max(missing_share(kind, day) for day in daily),
        "quiet": _largest_quiet(counts),
        "variety": min(variety(day) for day in counts),
    }


def _largest_quiet(counts: NDArray[np.int64]) -> float:
    """Find the day farthest from the pooled others; ``counts`` has shape (n_days, n_bins)."""
    others = counts.sum(axis=0) - counts
    known = (counts.sum(axis=1) > 0) & (others.sum(axis=1) > 0)
    pairs = zip(counts[known], others[known], strict=True)
    return max((jensen_shannon(day, rest) for day, rest in pairs), default=0.0)


def _weights(names: Sequence[str], importances: Mapping[str, float]) -> dict[str, float]:
    if SCORE in names:
        raise ConfigurationError(f"a feature must not be called {SCORE!r}; rename it")
    given = {name: float(importances.get(name, 0.0)) for name in names}
    if wrong := [name for name, value in given.items() if not 0 <= value < np.inf]:
        raise ConfigurationError(
            f"importances must be 0 or more, got {given[wrong[0]]} ({wrong[0]})"
        )
    total = sum(given.values())
    if total == 0:
        return dict.fromkeys(names, 1.0 / max(len(names), 1))
    return {name: value / total for name, value in given.items()}
