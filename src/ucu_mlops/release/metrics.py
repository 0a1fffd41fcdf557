"""What a model is released for: the one figure that its gate compares, chosen by parameter.

A metric sees labels, probabilities and weights of all held-out rows. A row of weight 0 takes its
place like any other and counts for nothing: that is how the figure of a segment is asked for.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.quality.metrics import recall_at_capacity

Floats = NDArray[np.float64]
# labels, probabilities, weights, share of the rows that moderators could check → figure, 0..1
Metric = Callable[[Floats, Floats, Floats, float], float]


def recall_at_share(labels: Floats, scores: Floats, weights: Floats, share: float) -> float:
    """Give the share of positives among the most probable rows.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of that shape.
        weights: What each row counts for; each takes one place.
        share: Share of the rows that have a place.

    Raises:
        NotEnoughDataError: The rows that count are of one class only.
    """
    return recall_at_capacity(labels, scores, max(1, round(share * labels.size)), weights)


METRICS: Mapping[str, Metric] = {"recall_at_capacity": recall_at_share}
