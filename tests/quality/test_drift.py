"""Distances and bins behave as distances and bins should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.stats import chi2_contingency

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.quality.drift import (
    bin_edges,
    category_counts,
    g_test,
    histogram,
    jensen_shannon,
    l_infinity,
)

COUNTS = st.lists(st.integers(0, 1_000), min_size=4, max_size=4).filter(any)
NUMBERS = st.lists(
    st.one_of(
        st.floats(-1e6, 1e6), st.integers(0, 3).map(float), st.sampled_from([np.nan, np.inf])
    ),
    max_size=60,
)


@given(COUNTS, COUNTS, COUNTS)
def test_is_a_distance(p, q, r):
    """Symmetric, zero between equals, at most 1, no detour shorter; as scipy has it."""
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(distance.jensenshannon(p, q, base=2), abs=1e-7)
    assert jensen_shannon(p, q) <= 1
    assert jensen_shannon(p, r) <= jensen_shannon(p, q) + jensen_shannon(q, r) + 1e-9


@given(COUNTS, COUNTS)
def test_l_infinity_is_the_largest_move_of_a_bin(p, q):
    """As scipy has it, on shares: symmetric, 0 between equals, at most 1."""
    shares = [np.divide(side, np.sum(side)) for side in (p, q)]
    assert l_infinity(p, q) == pytest.approx(distance.chebyshev(*shares))
    assert l_infinity(p, q) == l_infinity(q, p) <= 1
    assert l_infinity(p, p) == 0


def test_the_g_test_is_scipys():
    """The p-value of the likelihood-ratio test, bins that both lack left out."""
    p, q = [40, 30, 0, 30], [350, 330, 0, 300]
    table = np.array([p, q])[:, [0, 1, 3]]
    expected = chi2_contingency(table, lambda_="log-likelihood", correction=False).pvalue
    assert g_test(p, q) == pytest.approx(expected)
    assert g_test([7, 0], [9, 0]) == 1


def test_the_g_test_errs_as_often_as_it_says():
    """Of two samples of one distribution 5 in 100 have a p-value below 0.05."""
    generator = np.random.default_rng(7)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    draws = generator.multinomial(500, shares, (2_000, 2))
    below = np.mean([g_test(*pair) < 0.05 for pair in draws])
    assert 0.035 < below < 0.065


def test_nothing_in_common_is_one():
    """Distributions that share no bin are as far apart as can be."""
    assert jensen_shannon([5, 0], [0, 7]) == 1


@pytest.mark.parametrize("measure", [jensen_shannon, l_infinity, g_test])
@pytest.mark.parametrize(
    ("p", "q"),
    [([1, 2], [1]), ([0, 0], [1, 1]), ([1, -1], [1, 1]), ([1, np.nan], [1, 1])],
    ids=["other bins", "empty", "negative", "missing"],
)
def test_refuses_what_is_no_distribution(measure, p, q):
    """An empty day has no distance from anything."""
    with pytest.raises(DataError):
        measure(p, q)


@given(NUMBERS, st.integers(1, 10))
def test_every_finite_number_is_counted_once(values, bins):
    """Nothing is lost or doubled, and what the edges were made of lies between them."""
    finite = [value for value in values if np.isfinite(value)]
    edges = bin_edges(values, bins)
    counts = histogram(values, edges)
    assert counts.sum() == len(finite)
    if finite:
        assert 2 <= edges.size <= bins + 1
        assert (np.diff(edges) > 0).all()
        assert counts[0] == counts[-1] == 0
    else:
        assert edges.size == 0


def test_values_never_seen_fall_outside():
    """Even a feature that was constant notices what is below and above."""
    edges = bin_edges([3.0] * 10)
    assert histogram([2.0, 3.0, 3.0, 4.0], edges).tolist() == [1, 2, 1]


def test_zeros_of_a_count_are_a_bin_of_their_own():
    """Quantiles that fall together make one bin, not many empty ones."""
    values = [0.0] * 80 + list(range(1, 21))
    edges = bin_edges(values, bins=10)
    assert histogram(values, edges).tolist() == [0, 80, 10, 10, 0]


def test_other_categories_are_counted_together():
    """Unknown categories share the last count; nulls are not counted."""
    counts = category_counts(["a", "b", None, "z", "a", True, np.nan], ["a", "b", "true"])
    assert counts.tolist() == [2, 1, 1, 1]


def test_refuses_no_bins():
    """There is at least one bin."""
    with pytest.raises(ConfigurationError, match="got 0"):
        bin_edges([1.0], 0)
