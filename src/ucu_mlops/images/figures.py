"""Precision, recall and F1 from counted images, null where there is nothing to divide by.

Counts lie in the last axis: given and shown, given but not shown, shown but not given, neither.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

COUNTED = ("tp", "fp", "fn", "tn")

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def count_images(given: NDArray[np.bool_], labels: Floats) -> Counts:
    """Count each image in one of the four ways, or in none where its label is unknown.

    Args:
        given: Whether the label is given, shape ``(n, n_labels)``.
        labels: 1, 0 or NaN where unknown, of that shape.

    Returns:
        0 or 1, shape ``(n, n_labels, 4)``.
    """
    shown, absent = labels == 1, labels == 0
    ways = (given & shown, given & absent, ~given & shown, ~given & absent)
    return np.stack(ways, axis=-1).astype(np.int64)


def figures_of(counts: Counts) -> dict[str, float | None]:
    """Give ``precision``, ``recall`` and ``f1`` of one label.

    Args:
        counts: How many of each way, shape ``(4,)``.

    Returns:
        The figures; precision is null where nothing was given, recall and F1 where no image shows
        the label.
    """
    tp, fp, fn, _ = (int(each) for each in counts)
    return {
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "f1": _share(2 * tp, 2 * tp + fp + fn) if tp + fn else None,
    }


def macro_f1(counts: Counts) -> float | None:
    """Average F1 over the labels that have one; null where none has.

    Args:
        counts: Shape ``(n_labels, 4)``.
    """
    known = [value for each in counts if (value := figures_of(each)["f1"]) is not None]
    return float(np.mean(known)) if known else None


def named_counts(counts: Counts) -> dict[str, int]:
    """Name the four counts of a confusion matrix."""
    return dict(zip(COUNTED, counts.tolist(), strict=True))


def average_precision(labels: Floats, probabilities: Floats) -> float | None:
    """Give the average precision on images whose label is known; null without one that shows it.

    Args:
        labels: 1, 0 or NaN where unknown, shape ``(n,)``.
        probabilities: Of that shape.
    """
    known = ~np.isnan(labels)
    if not (labels == 1).any():
        return None
    return float(average_precision_score(labels[known], probabilities[known]))


def mistakes_of(
    given: NDArray[np.bool_], labels: Floats, names: tuple[str, ...]
) -> Mapping[str, dict[str, dict[str, int]]]:
    """Say which mistakes come together.

    Args:
        given: Whether each label is given, shape ``(n, n_labels)``.
        labels: 1, 0 or NaN where unknown, of that shape.
        names: The labels.

    Returns:
        ``together``: images with a mistake in both labels, on the diagonal those with one in it;
        ``instead``: images given the first label, which they lack, and not the second, which they
        show.
    """
    alarms = (given & (labels == 0)).astype(np.int64)
    missed = (~given & (labels == 1)).astype(np.int64)
    wrong = alarms + missed

    def table(counts: Counts) -> dict[str, dict[str, int]]:
        rows = counts.tolist()
        return {
            name: dict(zip(names, row, strict=True)) for name, row in zip(names, rows, strict=True)
        }

    return {"together": table(wrong.T @ wrong), "instead": table(alarms.T @ missed)}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
