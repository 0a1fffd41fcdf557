"""An interval for a total of few, each standing for many, holds the total as often as it says."""

import numpy as np
import pytest
from scipy.stats import poisson

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.quality.weighted_count import weighted_count


def test_equal_weights_are_a_poisson_count():
    """Five found with weight 10 each: the mid-p interval of a count of 5, ten times as large."""
    found = weighted_count(np.full(5, 10.0), next_weight=10.0, level=0.9)
    for mean, share in ((found.low / 10, 0.95), (found.high / 10, 0.05)):
        assert poisson.cdf(4, mean) + poisson.pmf(5, mean) / 2 == pytest.approx(share, abs=1e-6)
    assert found.mid == 50


def test_holds_the_total_as_often_as_it_says():
    """Of 1,000 samples of violations with unequal propensities at least 85 % hold the total."""
    rng = np.random.default_rng(0)
    propensities = rng.uniform(0.002, 0.05, 300)
    held = []
    for _ in range(1_000):
        drawn = rng.random(300) < propensities
        found = weighted_count(1 / propensities[drawn], 1 / propensities.mean(), 0.9)
        held.append(found.low <= 300 <= found.high)
    assert 0.85 <= np.mean(held) <= 0.97


def test_nothing_found_has_no_interval():
    """Nobody found says nothing of how many there are without knowing how many were looked at."""
    with pytest.raises(NotEnoughDataError, match="nobody was found"):
        weighted_count(np.array([]), 1.0, 0.9)
