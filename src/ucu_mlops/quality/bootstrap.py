"""How certain a figure is when the same entity gives several rows: resample whole entities."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError

Rows = NDArray[np.int64]


class Interval(NamedTuple):
    """A figure and where it probably lies.

    Attributes:
        low: Lower end.
        mid: The figure on the rows as they are.
        high: Upper end.
    """

    low: float
    mid: float
    high: float


def paired_bootstrap(
    statistic: Callable[[Rows], float],
    entities: ArrayLike,
    *,
    n: int = 1_000,
    seed: int = 0,
    level: float = 0.9,
) -> Interval:
    """Give the percentile interval of a figure over resampled entities.

    A statistic that compares two models on the rows it is given compares them on the same ones.

    Args:
        statistic: Computes the figure from row numbers, shape ``(n_rows,)``; a row of an entity
            drawn twice comes twice. Resamples for which it raises NotEnoughDataError (no positive
            was drawn) are left out.
        entities: The entity of each row, shape ``(n_rows,)``.
        n: How many resamples; at least 1.
        seed: Seed of the draws.
        level: Share of the resamples that the interval holds; above 0 and below 1.

    Returns:
        The interval around the figure.

    Raises:
        ConfigurationError: ``n`` or ``level`` is out of range.
        NotEnoughDataError: There are no rows, the figure cannot be computed on them, or not on
            half of the resamples.
    """
    if n < 1 or not 0 < level < 1:
        raise ConfigurationError(
            f"bootstrap: n must be at least 1 and level between 0 and 1, got {n}, {level}"
        )
    codes, names = pd.factorize(np.asarray(entities))
    if not names.size:
        raise NotEnoughDataError("bootstrap: there are no rows to resample")
    mid = statistic(np.arange(codes.size, dtype=np.int64))
    by_entity = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    generator = np.random.default_rng(seed)
    figures = []
    for _ in range(n):
        drawn = generator.integers(sizes.size, size=sizes.size)
        lengths = sizes[drawn]
        # Places within each drawn entity, counted from where its rows begin.
        begins = np.repeat(starts[drawn] - (np.cumsum(lengths) - lengths), lengths)
        try:
            figures.append(statistic(by_entity[begins + np.arange(begins.size)]))
        except NotEnoughDataError:
            continue
    if len(figures) < n / 2:
        raise NotEnoughDataError(
            f"bootstrap: {n - len(figures)} of {n} resamples have too few positives; "
            "wait for more labels"
        )
    low, high = np.quantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(mid), float(high))
