"""No row decides alone, and recent rows decide more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.quality.weights import bounded_share, recency


@given(
    st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40),
    st.floats(0.05, 0.9),
    st.integers(0, 20),
)
def test_no_positive_carries_more_than_its_share(weights, largest, negatives):
    """Of enough rows none holds more than asked; of too few all weigh alike; nothing grows."""
    given_weights = np.array([*weights, *[3.0] * negatives])
    positive = np.arange(given_weights.size) < len(weights)
    bounded = bounded_share(given_weights, positive, largest)
    if len(weights) * largest <= 1:
        assert (bounded == 1).all()
        return
    shares = bounded[positive] / bounded[positive].sum()
    assert shares.max() <= largest * (1 + 1e-9)
    assert (bounded <= given_weights).all()


def test_weights_within_the_bound_stay():
    """Nothing is clipped where nobody is too heavy."""
    weights = np.array([1.0, 2.0, 1.0, 1.5])
    assert bounded_share(weights, np.ones(4, dtype=bool), 0.5).tolist() == weights.tolist()


def test_a_row_of_a_half_life_ago_counts_half():
    """Twice as old, a quarter."""
    assert recency([0, 14, 28], 14).tolist() == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    "call",
    [lambda: recency([1], 0), lambda: bounded_share([1.0], [True], 0)],
    ids=["half-life", "share"],
)
def test_refuses_what_weighs_nothing(call):
    """A half-life or a share of nothing is refused."""
    with pytest.raises(ConfigurationError):
        call()
