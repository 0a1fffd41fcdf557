"""Pictures come as often as they weigh."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.images.sampling import balanced_weights, epoch_order


@given(
    st.lists(st.floats(0, 10, width=32), min_size=1, max_size=30).filter(
        lambda each: sum(each) > 1
    ),
    st.integers(1, 200),
)
def test_each_picture_comes_when_due(weights, samples):
    """A picture due 2.3 times comes 2 or 3 times, and one without weight never."""
    weight = np.array(weights, np.float32)
    came = np.bincount(epoch_order(weight, samples, seed=1, epoch=0), minlength=len(weight))
    due = weight.astype(np.float64) / weight.sum(dtype=np.float64) * samples
    assert came.sum() == samples
    assert (np.abs(came - due) < 1 + 1e-6).all()


def test_epochs_differ():
    """Each epoch has its own order, and the same one each time."""
    weight = np.ones(20, np.float32)
    first, second = (epoch_order(weight, 20, seed=1, epoch=each) for each in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, epoch_order(weight, 20, seed=1, epoch=0))


def test_refuses_pictures_without_weight():
    """Nothing to draw is said so."""
    with pytest.raises(NotEnoughDataError, match="weight above 0"):
        epoch_order(np.zeros(3, np.float32), 4, seed=1, epoch=0)


def test_rare_answers_come_more_often():
    """Of 100 pictures 4 show nothing: their share rises from 4 % to the root's 17 %."""
    labels = np.array([[1, 0]] * 96 + [[0, 0]] * 4, np.float32)
    weight = balanced_weights(labels, np.ones(100, np.float32))
    assert weight.sum() == pytest.approx(100, rel=1e-5)
    assert weight[96:].sum() / 100 == pytest.approx(0.2 / (0.2 + 0.96**0.5), rel=1e-4)


def test_balancing_nothing_gives_nothing():
    """No pictures, no weights."""
    assert len(balanced_weights(np.zeros((0, 2), np.float32), np.zeros(0, np.float32))) == 0
