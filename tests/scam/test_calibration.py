"""Calibration finds the sigmoid that made the labels, and stays finite when there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.special import expit

from ucu_mlops.scam.calibration import LARGEST, SMALLEST, Calibration, fit_platt


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
