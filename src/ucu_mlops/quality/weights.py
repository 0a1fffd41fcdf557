"""How much each row counts: recent days more, explored cases for many, none for too much."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import ConfigurationError

Floats = NDArray[np.float64]


def recency(age_days: ArrayLike, half_life_days: float) -> Floats:
    """Halve what a row counts for with every half-life that it is old.

    Args:
        age_days: Days before the latest, 0 or more, shape ``(n_rows,)``.
        half_life_days: After how many days a row counts half; above 0.

    Returns:
        Factors, above 0 and at most 1, shape ``(n_rows,)``.
    """
    if not half_life_days > 0:
        raise ConfigurationError(f"half_life_days must be above 0, got {half_life_days}")
    ages = np.asarray(age_days, dtype=np.float64)
    factors: Floats = 0.5 ** (ages / half_life_days)
    return factors


def bounded_share(weights: ArrayLike, counts: ArrayLike, largest: float) -> Floats:
    """Clip weights so that no row that counts carries more than a share of their sum.

    An explored case stands for many users: one that happens to be positive would otherwise decide
    a comparison of twenty. Where there are fewer rows than the bound allows for, all weigh alike.

    Args:
        weights: Above 0, shape ``(n_rows,)``.
        counts: Which rows the bound is about (the positives), booleans of that shape.
        largest: Largest share of their sum that one may have; above 0 and at most 1.

    Returns:
        Weights, clipped from above at one value, shape ``(n_rows,)``.
    """
    if not 0 < largest <= 1:
        raise ConfigurationError(f"the largest share must be above 0 and at most 1, got {largest}")
    given = np.asarray(weights, dtype=np.float64)
    heavy = np.sort(given[np.asarray(counts, dtype=bool)])[::-1]
    if heavy.size * largest <= 1:
        return np.ones_like(given)
    rest = heavy.sum()
    for clipped, heaviest in enumerate(heavy):
        # With so many clipped at c, each holds `largest` of the sum when c = largest (n c + rest).
        bound = largest * rest / (1 - largest * clipped)
        if heaviest <= bound:
            break
        rest -= heaviest
    fair: Floats = given.clip(max=bound if clipped else np.inf)
    return fair
