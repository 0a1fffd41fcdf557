"""Which labels an image gets: by the network, by the reader, by both, and as the policy says."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.thresholds import LabelThreshold, union_scores

ROWS = ("network", "reader", "union")

Given = NDArray[np.bool_]
Floats = NDArray[np.float64]


def decide(
    probabilities: Floats, reader: Given, thresholds: Sequence[LabelThreshold]
) -> dict[str, Given]:
    """Say which labels each row of the evaluation gives.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        reader: What the reader found, of that shape.
        thresholds: One per label, in order.

    Returns:
        By ``network``, ``reader`` and ``union``: shape ``(n, n_labels)``.
    """
    columns = [
        union_scores(probabilities[:, place], reader, place, each.beside) >= each.union.threshold
        for place, each in enumerate(thresholds)
    ]
    return {
        "network": probabilities >= np.array([each.network.threshold for each in thresholds]),
        "reader": reader,
        "union": np.stack(columns, axis=1),
    }


def follow_policy(
    probabilities: Floats,
    reader: Given,
    thresholds: Sequence[LabelThreshold],
    label_set: LabelSet,
) -> Given:
    """Give each label by the row that decides it.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        reader: What the reader found, of that shape.
        thresholds: One per label, in order.
        label_set: The labels, each with what decides.

    Returns:
        Shape ``(n, n_labels)``.
    """
    given = decide(probabilities, reader, thresholds)
    columns = [given[label.decides][:, place] for place, label in enumerate(label_set.labels)]
    return np.stack(columns, axis=1)
