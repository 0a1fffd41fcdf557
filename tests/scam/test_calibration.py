"""Calibration finds the sigmoid that made the labels, and stays finite when there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.special import expit

from ucu_mlops.scam.calibration import LARGEST, SMALLEST, Calibration, fit_platt, for_everybody


def test_finds_the_sigmoid_that_made_the_labels():
    """From labels drawn with a known sigmoid comes that sigmoid."""
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 2, 200_000)
    labels = (rng.random(log_odds.size) < expit(0.7 * log_odds - 1.5)).astype(int)
    found = fit_platt(log_odds, labels, np.ones(log_odds.size))
    assert (found.slope, found.intercept) == pytest.approx((0.7, -1.5), abs=0.03)


def test_weights_count_as_rows():
    """A row of weight 2 is worth that row twice, but for the smoothing of the targets."""
    rng = np.random.default_rng(0)
    log_odds, labels = rng.normal(0, 2, 5_000), rng.integers(0, 2, 5_000)
    weighted = fit_platt(log_odds, labels, 1.0 + labels)
    repeated = fit_platt(
        np.repeat(log_odds, 1 + labels),
        np.repeat(labels, 1 + labels),
        np.ones(5_000 + labels.sum()),
    )
    assert weighted.intercept == pytest.approx(repeated.intercept, abs=1e-3)


@pytest.mark.parametrize("sign", [1, -1], ids=["cleanly parted", "turned around"])
def test_extreme_data_stays_finite_and_upright(sign):
    """Classes that part cleanly give no infinite slope, nor a wrong ranking a negative one."""
    log_odds = np.repeat([-50.0, 50.0], 20) * sign
    found = fit_platt(log_odds, np.repeat([0, 1], 20), np.ones(40))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.slope > 0


def explored(n, move, seed=0):
    """Draw rows whose probabilities are too high by ``move`` log-odds; half stand for hundreds."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-4, 1.5, n)
    labels = (rng.random(n) < expit(log_odds - move)).astype(int)
    return log_odds, labels, rng.choice([0.001, 0.01], n)


def test_explored_rows_move_the_intercept_to_what_is_true_of_everybody():
    """Promised too much by 1.5 log-odds, the promise comes down nearly to what was found."""
    log_odds, labels, propensities = explored(20_000, 1.5)
    moved = for_everybody(Calibration(1.0, 0.0), log_odds, labels, propensities)
    assert moved.slope == 1.0
    assert moved.intercept == pytest.approx(-1.5, abs=0.15)


def test_few_explored_violations_move_it_less():
    """Five violations move the intercept a part of the way, four not at all."""
    log_odds, propensities = np.full(300, -2.0), np.full(300, 0.01)
    labels = (np.arange(300) < 5).astype(int)
    whole = np.log(5 / 295) - -2.0
    moved = for_everybody(Calibration(1.0, 0.0), log_odds, labels, propensities).intercept
    assert 0.9 * whole < moved < 0.5 * whole
    before = Calibration(1.0, -0.3)
    labels[0] = 0
    assert for_everybody(before, log_odds, labels, propensities) == before


def test_sure_cases_move_nothing():
    """Cases that were sure to be chosen tell nothing of those that were not."""
    log_odds, labels, _ = explored(20_000, 1.5)
    before = Calibration(0.8, -0.3)
    assert for_everybody(before, log_odds, labels, np.ones(20_000)) == before


@settings(deadline=None)
@given(
    npst.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-6, 1e3),
    st.floats(-1e3, 1e3),
)
def test_no_answer_is_certain(log_odds, slope, intercept):
    """Probabilities stay within [1e-6, 1 - 1e-6] and keep the order of the log-odds."""
    probabilities = Calibration(slope, intercept).apply(np.sort(log_odds))
    assert (probabilities >= 1e-6).all()
    assert (probabilities <= 1 - 1e-6).all()
    assert (np.diff(probabilities) >= 0).all()
    assert (np.float32(SMALLEST), np.float32(LARGEST)) == (SMALLEST, LARGEST)
