"""Balanced sets have the ratio asked for, and made-up rows look like real ones."""

import numpy as np
import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.scam.balancing import METHODS, balance


def draw(n_negative: int, n_positive: int, seed: int = 0) -> tuple:
    """Draw two numbers, one missing now and then, and a category of three, encoded."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_negative, n_positive])
    numbers = rng.normal(labels, 1, (2, len(labels))).T
    numbers[rng.random(len(labels)) < 0.3, 1] = np.nan
    hot = np.eye(3)[rng.integers(0, 3, len(labels))]
    prepared = np.column_stack([numbers, hot]).astype(np.float32)
    return prepared, labels, rng.choice([1.0, 3.0], len(labels))


def balanced(rows, method, ratio=0.5):
    """Balance with a fixed seed."""
    return balance(*rows, method=method, ratio=ratio, seed=0, widths=[3])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("none", (900, 100)),
        ("undersample", (200, 100)),
        ("oversample", (900, 450)),
        ("smotenc", (900, 450)),
    ],
)
def test_reaches_the_ratio(method, expected):
    """Undersampling drops negatives; the others repeat positives or make them up."""
    prepared, labels, weights = balanced(draw(900, 100), method)
    assert tuple(np.bincount(labels)) == expected
    assert len(prepared) == len(labels) == len(weights)
    assert prepared.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_a_balanced_set_stays_whole(method):
    """A set that is already past the ratio loses and gains no row."""
    rows = draw(30, 70)
    for before, after in zip(rows, balanced(rows, method), strict=True):
        np.testing.assert_array_equal(before, after)


def test_real_rows_stay_and_synthetic_ones_are_possible():
    """Made-up rows have one category each, numbers within range, missing ones where usual."""
    rows = draw(900, 100)
    prepared, labels, weights = balanced(rows, "smotenc")
    np.testing.assert_array_equal(prepared[:1000], rows[0])
    np.testing.assert_array_equal(weights[:1000], rows[2])
    made, positives = prepared[1000:], rows[0][900:]
    assert (labels[1000:] == 1).all()
    np.testing.assert_array_equal(made[:, 2:].sum(axis=1), 1)
    assert np.isfinite(made[:, 0]).all()
    assert made[:, 0].min() >= positives[:, 0].min()
    assert made[:, 0].max() <= positives[:, 0].max()
    assert 0.05 < np.isnan(made[:, 1]).mean() < 0.6
    assert weights[1000:] == pytest.approx(rows[2][900:].mean())


def test_an_unknown_category_stays_unknown():
    """A row whose category the encoder does not know has none in what is made of it, either."""
    prepared, labels, weights = draw(90, 10)
    prepared[:, 2:] = 0
    made, *_ = balanced((prepared, labels, weights), "smotenc")
    assert not made[:, 2:].any()


def test_refuses_to_make_up_categories_alone():
    """Without a number there is no between."""
    prepared, labels, weights = draw(90, 10)
    with pytest.raises(ConfigurationError, match="needs a numeric feature"):
        balanced((prepared[:, 2:], labels, weights), "smotenc")
