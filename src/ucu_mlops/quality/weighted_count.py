"""How many there are when few were found, each standing for many."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import gamma

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.quality.bootstrap import Interval

FAR_OUT = 1e-9  # share of the wider gamma distribution left beyond the search for a limit


def weighted_count(weights: NDArray[np.float64], next_weight: float, level: float) -> Interval:
    """Estimate a total from the inverse propensities of those who were found.

    Normal intervals and the bootstrap know nothing of whom the sample missed; this one asks what
    total could still have brought so few, as the mid-p interval of a Poisson count does, to which
    it comes down where all weights are equal.

    Args:
        weights: Inverse propensity of each one found, at least 1 each; shape ``(n_found,)``.
        next_weight: What one more, not found by chance, would weigh.
        level: Share of intervals that hold the true total; above 0 and below 1.

    Returns:
        The total between its limits.

    Raises:
        NotEnoughDataError: Nobody was found.

    References:
        Fay and Kim (2017), "Confidence intervals for directly standardized rates using mid-p gamma
        intervals", doi:10.1002/bimj.201600111.
    """
    if not weights.size:
        raise NotEnoughDataError("weighted count: nobody was found; draw more, or longer")
    total, variance = float(weights.sum()), float((weights**2).sum())
    narrow = _gamma(total, variance)
    wide = _gamma(total + next_weight, variance + next_weight**2)

    def limit(share: float) -> float:
        def excess(value: float) -> float:
            return float(narrow.cdf(value) + wide.cdf(value)) / 2 - share

        return float(brentq(excess, 0.0, wide.isf(FAR_OUT)))

    return Interval(limit((1 - level) / 2), total, limit((1 + level) / 2))


def _gamma(mean: float, variance: float) -> gamma:
    return gamma(mean**2 / variance, scale=variance / mean)
