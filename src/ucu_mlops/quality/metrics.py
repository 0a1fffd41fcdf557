"""How good probabilities are: by threshold, ranking, calibration, and what moderators can check.

Labels are 0 or 1, shape ``(n_rows,)``; probabilities and weights are floats of that shape. A row
counts as found when its probability is at least the threshold.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics

from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError

CALIBRATION_BINS = 10

Floats = NDArray[np.float64]


def classification_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    weights: ArrayLike | None = None,
) -> dict[str, float]:
    """Measure probabilities in every usual way.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        probabilities: Shape ``(n_rows,)``.
        threshold: Rows with at least this probability count as found.
        weights: What each row counts for; 1 when absent.

    Returns:
        ``roc_auc``, ``pr_auc`` (average precision), ``precision``, ``recall``, ``f1``,
        ``log_loss`` (nats), ``brier`` and ``ece`` (expected calibration error).

    Raises:
        DataError: Shapes differ, or values are no labels, probabilities or weights.
        NotEnoughDataError: There is one class only.
    """
    truth, scores, counts = _checked(labels, probabilities, weights)
    found = scores >= threshold
    given: dict[str, Any] = {"sample_weight": counts}
    return {
        "roc_auc": float(metrics.roc_auc_score(truth, scores, **given)),
        "pr_auc": float(metrics.average_precision_score(truth, scores, **given)),
        "precision": float(metrics.precision_score(truth, found, zero_division=0, **given)),
        "recall": float(metrics.recall_score(truth, found, zero_division=0, **given)),
        "f1": float(metrics.f1_score(truth, found, zero_division=0, **given)),
        "log_loss": float(metrics.log_loss(truth, scores, labels=[0, 1], **given)),
        "brier": float(np.average((scores - truth) ** 2, weights=counts)),
        "ece": calibration_error(truth, scores, counts),
    }


def recall_at_fpr(
    labels: ArrayLike, probabilities: ArrayLike, fpr: float, weights: ArrayLike | None = None
) -> float:
    """Find the highest recall of any threshold whose false positive rate stays within a bound.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        probabilities: Shape ``(n_rows,)``.
        fpr: The bound, between 0 and 1. Nothing is interpolated between thresholds.
        weights: What each row counts for; 1 when absent.

    Raises:
        ConfigurationError: The bound is not between 0 and 1.
        DataError: Shapes differ, or values are no labels, probabilities or weights.
        NotEnoughDataError: There is one class only.
    """
    if not 0 <= fpr <= 1:
        raise ConfigurationError(f"fpr must be between 0 and 1, got {fpr}")
    truth, scores, counts = _checked(labels, probabilities, weights)
    false_positives, recalls, _ = metrics.roc_curve(
        truth, scores, sample_weight=counts, drop_intermediate=False
    )
    return float(recalls[false_positives <= fpr].max())


def recall_at_capacity(
    labels: ArrayLike,
    probabilities: ArrayLike,
    capacity: int,
    weights: ArrayLike | None = None,
) -> float:
    """Give the share of positives among the rows that moderators have time for.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        probabilities: Shape ``(n_rows,)``.
        capacity: How many rows are checked, the most probable first. Rows that tie for the last
            places share them evenly, so the answer does not depend on their order.
        weights: What each row counts for in the recall; 1 when absent. Each takes one place.

    Raises:
        ConfigurationError: The capacity is negative.
        DataError: Shapes differ, or values are no labels, probabilities or weights.
        NotEnoughDataError: There is one class only.
    """
    if capacity < 0:
        raise ConfigurationError(f"capacity must be at least 0, got {capacity}")
    truth, scores, counts = _checked(labels, probabilities, weights)
    return float(np.average(checked_shares(scores, capacity), weights=truth * counts))


def precision_at_capacity(
    labels: ArrayLike,
    probabilities: ArrayLike,
    capacity: int,
    weights: ArrayLike | None = None,
) -> float:
    """Give the share of positives among the rows that moderators check.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        probabilities: Shape ``(n_rows,)``.
        capacity: How many rows are checked, as for :func:`recall_at_capacity`.
        weights: What each row counts for; 1 when absent. Each takes one place.

    Returns:
        The share; 0 where nothing of weight is checked.

    Raises:
        ConfigurationError: The capacity is negative.
        DataError: Shapes differ, or values are no labels, probabilities or weights.
        NotEnoughDataError: There is one class only.
    """
    if capacity < 0:
        raise ConfigurationError(f"capacity must be at least 0, got {capacity}")
    truth, scores, counts = _checked(labels, probabilities, weights)
    checked = checked_shares(scores, capacity) * counts
    total = float(checked.sum())
    return float((checked * truth).sum()) / total if total > 0 else 0.0


def checked_shares(probabilities: ArrayLike, capacity: int) -> Floats:
    """Give each row's share of a place; rows that tie for the last places share them evenly."""
    scores = np.asarray(probabilities, dtype=np.float64)
    _, tied, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    places_left = capacity - (np.cumsum(sizes) - sizes)
    shares: Floats = np.clip(places_left / sizes, 0, 1)[tied]
    return shares


def best_f1_threshold(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Find the highest threshold that gives the best F1.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        probabilities: Shape ``(n_rows,)``.
        weights: What each row counts for; 1 when absent.

    Raises:
        DataError: Shapes differ, or values are no labels, probabilities or weights.
        NotEnoughDataError: There is one class only.
    """
    truth, scores, counts = _checked(labels, probabilities, weights)
    precision, recall, thresholds = metrics.precision_recall_curve(
        truth, scores, sample_weight=counts
    )
    total = np.maximum(precision + recall, np.finfo(np.float64).tiny)
    f1 = (2 * precision * recall / total)[:-1]  # the curve's last point has no threshold
    return float(thresholds[np.flatnonzero(f1 == f1.max())[-1]])


def _checked(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    truth = np.asarray(labels, dtype=np.float64)
    scores = np.asarray(probabilities, dtype=np.float64)
    counts = np.ones_like(truth) if weights is None else np.asarray(weights, dtype=np.float64)
    if truth.ndim != 1 or not truth.shape == scores.shape == counts.shape:
        raise DataError(
            "labels, probabilities and weights must have one shape (n_rows,); "
            f"got {truth.shape}, {scores.shape}, {counts.shape}"
        )
    if not np.isin(truth, (0, 1)).all():
        raise DataError(f"labels must be 0 or 1, got {np.unique(truth).tolist()[:5]}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise DataError("probabilities must lie between 0 and 1, and none may be NaN")
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise DataError("weights must be finite and not negative")
    positive, negative = (truth * counts).sum(), ((1 - truth) * counts).sum()
    if positive <= 0 or negative <= 0:
        raise NotEnoughDataError(
            f"metrics need both classes among {len(truth)} rows, got {int(truth.sum())} positive; "
            "wait for more labels or take more days"
        )
    return truth, scores, counts


def calibration_error(truth: Floats, scores: Floats, counts: Floats) -> float:
    """Average the distance between promised and true shares over bins of equal width.

    Args:
        truth: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of that shape.
        counts: What each row counts for; their sum is above 0.
    """
    bins = np.minimum((scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=counts * (scores - truth))
    return float(np.abs(gaps).sum() / counts.sum())
