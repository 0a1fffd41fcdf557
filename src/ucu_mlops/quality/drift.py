"""How far two distributions lie apart: bins fixed once, counts per bin, Jensen-Shannon distance."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import ConfigurationError, DataError

EDGE_GAP = 1e-9  # how far below the smallest value the first bin ends, relative or absolute


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Measure how far apart two distributions over the same bins are.

    Args:
        p: Counts or shares per bin, none negative, shape ``(n_bins,)``; scaled to sum to 1.
        q: The same of the other distribution.

    Returns:
        The Jensen-Shannon distance (square root of the divergence in bits): 0 for equal
        distributions, 1 for such as share no bin.

    Raises:
        DataError: Shapes differ, a value is negative or missing, or one side is empty.

    References:
        Endres and Schindelin (2003), "A new metric for probability distributions",
        doi:10.1109/TIT.2003.813506.
    """
    first, second = (np.asarray(side, dtype=np.float64) for side in (p, q))
    if first.shape != second.shape or first.ndim != 1:
        raise DataError(
            "jensen_shannon needs two distributions over the same bins, "
            f"got shapes {first.shape} and {second.shape}"
        )
    for side in (first, second):
        if not (np.isfinite(side).all() and (side >= 0).all() and side.sum() > 0):
            raise DataError("jensen_shannon needs counts of 0 or more with at least one above 0")
    first, second = first / first.sum(), second / second.sum()
    middle = (first + second) / 2
    divergence = (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2
    return float(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def _relative_entropy(share: NDArray[np.float64], middle: NDArray[np.float64]) -> float:
    held = share > 0
    return float((share[held] * np.log2(share[held] / middle[held])).sum())


def bin_edges(values: ArrayLike, bins: int = 20) -> NDArray[np.float64]:
    """Cut numbers into bins of about equal counts, with a bin outside at either end.

    Many equal values (the zeros of a count) make one bin of their own; what lies below or above
    all ``values`` falls into the first or last bin of :func:`histogram`.

    Args:
        values: Numbers, shape ``(n_values,)``; null and infinite ones are ignored.
        bins: How many bins at most between the smallest and the largest value; at least 1.

    Returns:
        Ascending edges, shape ``(n_edges,)`` with ``2 <= n_edges <= bins + 1``; empty when there
        is no number.

    Raises:
        ConfigurationError: ``bins`` is below 1.
    """
    if bins < 1:
        raise ConfigurationError(f"bins must be at least 1, got {bins}")
    finite = finite_numbers(values)
    if not finite.size:
        return finite
    cuts = np.quantile(finite, np.linspace(0, 1, bins + 1)[1:], method="inverted_cdf")
    below = finite.min() - EDGE_GAP * max(1.0, abs(finite.min()))
    return np.unique(np.append(below, cuts))


def histogram(values: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Count numbers per bin.

    Args:
        values: Numbers, shape ``(n_values,)``; null and infinite ones are ignored.
        edges: Ascending edges, shape ``(n_edges,)``; an edge belongs to the bin below it.

    Returns:
        Counts, shape ``(n_edges + 1,)``: up to the first edge, between edges, above the last.
    """
    cuts = np.asarray(edges, dtype=np.float64)
    found = np.searchsorted(cuts, finite_numbers(values), side="left")
    return np.bincount(found, minlength=cuts.size + 1).astype(np.int64)


def category_counts(values: Iterable[Any], categories: Sequence[str]) -> NDArray[np.int64]:
    """Count values per category.

    Args:
        values: Values, each taken as text; null ones are ignored.
        categories: The categories counted one by one.

    Returns:
        Counts, shape ``(n_categories + 1,)``: the last counts every other value.
    """
    found = pd.Series(values, dtype="object").dropna().astype("str").value_counts()
    known = found.reindex(list(categories), fill_value=0).to_numpy()
    return np.append(known, found.sum() - known.sum()).astype(np.int64)


def finite_numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Keep the numbers that are neither null nor infinite."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]
