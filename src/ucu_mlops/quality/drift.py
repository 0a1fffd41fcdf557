"""How far two distributions lie apart: bins fixed once, counts per bin, distances and a test."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from ucu_mlops.errors import ConfigurationError, DataError

TRUTHS = (bool, np.bool_)
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
    first, second = _shares(p, q)
    middle = (first + second) / 2
    divergence = (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2
    return float(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def _shares(p: ArrayLike, q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (np.asarray(side, dtype=np.float64) for side in (p, q))
    if first.shape != second.shape or first.ndim != 1:
        raise DataError(
            "a distance needs two distributions over the same bins, "
            f"got shapes {first.shape} and {second.shape}"
        )
    for side in (first, second):
        if not (np.isfinite(side).all() and (side >= 0).all() and side.sum() > 0):
            raise DataError("a distance needs counts of 0 or more with at least one above 0")
    return first / first.sum(), second / second.sum()


def _relative_entropy(share: NDArray[np.float64], middle: NDArray[np.float64]) -> float:
    held = share > 0
    return float((share[held] * np.log2(share[held] / middle[held])).sum())


def l_infinity(p: ArrayLike, q: ArrayLike) -> float:
    """Measure by how much the share of any one bin differs at most.

    Args:
        p: Counts or shares per bin, none negative, shape ``(n_bins,)``; scaled to sum to 1.
        q: The same of the other distribution.

    Returns:
        The Chebyshev distance of the shares, 0..1: what Vertex AI Model Monitoring compares
        categories by. One bin's move is not thinned out by many bins that stay.

    Raises:
        DataError: Shapes differ, a value is negative or missing, or one side is empty.
    """
    first, second = _shares(p, q)
    return float(np.abs(first - second).max())


def g_test(p: ArrayLike, q: ArrayLike) -> float:
    """Test whether two samples may come from one distribution.

    It tells chance from difference, for independent rows; not a difference that matters from
    a trifle (with a million rows nearly everything differs), nor an unusual day from a usual one,
    for all users of a day share its weather. With fewer than about 5 expected values in many
    bins it is rough.

    Args:
        p: Counts per bin, none negative, shape ``(n_bins,)``.
        q: The same of the other sample.

    Returns:
        The p-value of the likelihood-ratio test of homogeneity; 1 where only one bin is filled.

    Raises:
        DataError: Shapes differ, a value is negative or missing, or one side is empty.

    References:
        Woolf (1957), "The log likelihood ratio test (the G-test)",
        doi:10.1111/j.1469-1809.1972.tb00293.x.
    """
    first, second = _shares(p, q)
    ours, theirs = float(np.sum(p)), float(np.sum(q))
    middle = (ours * first + theirs * second) / (ours + theirs)
    entropies = ours * _relative_entropy(first, middle) + theirs * _relative_entropy(second, middle)
    freedom = int((middle > 0).sum()) - 1
    # In nats; rounding may leave a little less than nothing.
    statistic = max(2 * np.log(2) * entropies, 0.0)
    return float(chdtrc(freedom, statistic)) if freedom else 1.0


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
    found = as_words(pd.Series(values, dtype="object")).value_counts()
    known = found.reindex(list(categories), fill_value=0).to_numpy()
    return np.append(known, found.sum() - known.sum()).astype(np.int64)


def as_words(values: pd.Series) -> pd.Series:
    """Spell the values that are not null, truths as a warehouse does: ``true`` and ``false``."""
    known = values.astype("object").dropna()
    words = known.astype("str")
    return words.where(~known.map(type).isin(TRUTHS), words.str.lower())


def finite_numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Keep the numbers that are neither null nor infinite."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]
