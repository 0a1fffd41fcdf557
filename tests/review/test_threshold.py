"""The threshold asks for as many looks as there are, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.review.threshold import threshold_for_capacity

PROBABILITIES = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=60
)


@given(PROBABILITIES, st.integers(1, 5), st.integers(0, 12))
def test_is_the_smallest_that_fits(probabilities, days, capacity):
    """Its cases fit; any smaller threshold would ask for more than there is room for."""
    values = np.array(probabilities)
    threshold = threshold_for_capacity(values, days, capacity)
    assert (values >= threshold).sum() <= days * capacity
    if threshold > 0:
        assert (values >= np.nextafter(threshold, -1)).sum() > days * capacity


@pytest.mark.parametrize(
    ("probabilities", "days", "capacity", "error"),
    [
        ([0.5], 0, 1, ConfigurationError),
        ([0.5], 1, -1, ConfigurationError),
        ([np.nan], 1, 1, DataError),
        ([1.1], 1, 1, DataError),
    ],
    ids=["no day", "negative capacity", "missing", "above one"],
)
def test_refuses(probabilities, days, capacity, error):
    """Days, capacity and probabilities must make sense."""
    with pytest.raises(error):
        threshold_for_capacity(probabilities, days, capacity)
