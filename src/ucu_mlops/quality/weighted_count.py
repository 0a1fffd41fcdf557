"""How many there are when few were found, each standing for many."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.quality.bootstrap import Interval


def weighted_count(weights: NDArray[np.float64], next_weight: float, level: float) -> Interval:
    """Estimate a total from the inverse propensities of those who were found.

    Normal intervals and the bootstrap know nothing of whom the sample missed; this one asks what
    total could still have brought no more than was found, as the exact interval of a Poisson count
    does, to which it comes down where all weights are equal.

    Args:
        weights: Inverse propensity of each one found, at least 1 each; shape ``(n_found,)``.
        next_weight: What one more, not found by chance, would weigh.
        level: Share of intervals that hold the true total; above 0 and below 1.

    Returns:
        The total between its limits.

    Raises:
        NotEnoughDataError: Nobody was found.

    References:
        Fay and Feuer (1997), "Confidence intervals for directly standardized rates: a method based
        on the gamma distribution", doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>
        3.0.CO;2-#.
    """
    if not weights.size:
        raise NotEnoughDataError("weighted count: nobody was found; draw more, or longer")
    total, variance = float(weights.sum()), float((weights**2).sum())
    tail = (1 - level) / 2
    low = gamma.ppf(tail, total**2 / variance, scale=variance / total)
    more, wider = total + next_weight, variance + next_weight**2
    high = gamma.ppf(1 - tail, more**2 / wider, scale=wider / more)
    return Interval(float(low), total, float(high))
