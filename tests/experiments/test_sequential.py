"""Intervals and tests that may be looked at every day."""

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ucu_mlops.experiments.sequential import Sample, difference, unlikely_shares

COUNTS = st.integers(2, 10**6)


def yes(n, total):
    """A sample of ones and zeros."""
    return Sample(n, total, total)


@given(COUNTS, COUNTS, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_interval_holds_the_value_and_is_wider_than_the_naive_one(n, m, p, q):
    """It is symmetric, wider than 1.96 standard errors, and turns round with the arms."""
    ours, theirs = yes(n, round(n * p)), yes(m, round(m * q))
    assume(0 < ours.total < n)
    assume(0 < theirs.total < m)
    found = difference(ours, theirs, 0.05)
    assert found.value == pytest.approx(ours.mean - theirs.mean)
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert found.high - found.value > 1.96 * sqrt(ours.variance_of_mean + theirs.variance_of_mean)
    turned = difference(theirs, ours, 0.05)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_its_width_is_the_papers():
    """By hand, at 10,000 entities and alpha 0.05: 3.04 standard errors of the difference."""
    ours, theirs = yes(5_000, 500), yes(5_000, 500)
    error = sqrt(2 * 0.1 * 0.9 / 4_999)
    doubled = -2 * log(0.05)
    rho = (doubled + log(doubled + 1)) / 10_000
    wanted = error * sqrt(2 * (1e4 * rho + 1) / (1e4 * rho) * log(sqrt(1e4 * rho + 1) / 0.05))
    found = difference(ours, theirs, 0.05)
    assert found.high == pytest.approx(wanted, rel=1e-6)
    assert wanted / error == pytest.approx(3.04, abs=0.01)


def test_too_little_says_nothing():
    """With fewer than two entities in an arm anything is possible."""
    assert difference(yes(1, 1), yes(100, 3), 0.05).high == inf
    assert difference(yes(0, 0), yes(0, 0), 0.05).low == -inf


def test_a_factor_asks_for_more_than_a_ratio():
    """Twice the control's rate is beyond 1.5 times, and not beyond 2.5 times."""
    ours, theirs = yes(10_000, 1_000), yes(10_000, 500)
    assert difference(ours, theirs, 0.05, 1.5).low > 0
    assert difference(ours, theirs, 0.05, 2.5).high < 0


def test_looking_daily_errs_seldom_and_the_naive_test_often():
    """Of 300 equal pairs looked at on 50 days few are ever told apart; naively many are."""
    rng = np.random.default_rng(3)
    found = naive = 0
    for _ in range(300):
        counts = np.cumsum(rng.binomial(200, 0.05, (2, 50)), axis=1)
        looks = [
            (yes(200 * (day + 1), int(counts[0, day])), yes(200 * (day + 1), int(counts[1, day])))
            for day in range(2, 50)
        ]
        intervals = [difference(*pair, 0.05) for pair in looks]
        found += any(each.low > 0 or each.high < 0 for each in intervals)
        naive += any(
            abs(a.mean - b.mean) > 1.96 * sqrt(a.variance_of_mean + b.variance_of_mean)
            for a, b in looks
        )
    assert found <= 15  # 5 %
    assert naive > 45  # 15 %


@given(st.lists(st.integers(0, 10**5), min_size=2, max_size=2))
def test_shares_that_fit_are_no_evidence(counts):
    """Counts exactly as dealt speak for the shares, and the more the worse they fit."""
    total = sum(counts)
    shares = {"a": 0.3, "b": 0.7}
    fitting = [round(0.3 * total), total - round(0.3 * total)]
    assert unlikely_shares(fitting, shares) <= 1e-6 + 0.01
    assert unlikely_shares(counts, shares) >= unlikely_shares(fitting, shares) - 1e-6


def test_a_wrong_ratio_is_found_and_a_right_one_is_not():
    """47 % instead of 50 of 50,000 is beyond doubt; by lot it stays below, at every look."""
    shares = {"a": 0.5, "b": 0.5}
    assert unlikely_shares([23_500, 26_500], shares) > log(1_000)
    rng = np.random.default_rng(1)
    for _ in range(100):
        ours = np.cumsum(rng.binomial(1_000, 0.5, 50))
        evidence = [
            unlikely_shares([int(n), 1_000 * (day + 1) - int(n)], shares)
            for day, n in enumerate(ours)
        ]
        assert max(evidence) < log(1_000)
