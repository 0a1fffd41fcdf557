"""Intervals of resampled entities are as wide as they should be."""

import numpy as np
import pytest

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.quality.bootstrap import paired_bootstrap


def test_covers_the_truth_as_often_as_it_says():
    """A 90 % interval of a mean covers it in about nine of ten worlds."""
    generator = np.random.default_rng(7)
    hits = 0
    for world in range(150):
        values = generator.normal(size=80)
        found = paired_bootstrap(
            lambda rows, values=values: values[rows].mean(), np.arange(80), n=200, seed=world
        )
        hits += found.low <= 0 <= found.high
    assert 0.82 < hits / 150 < 0.97


def test_rows_of_one_entity_are_no_new_evidence():
    """Repeating each entity's row ten times leaves the interval as wide as it was."""
    values = np.random.default_rng(1).normal(size=60)
    repeated, entities = np.repeat(values, 10), np.repeat(np.arange(60), 10)
    once = paired_bootstrap(lambda rows: values[rows].mean(), np.arange(60), seed=3)
    again = paired_bootstrap(lambda rows: repeated[rows].mean(), entities, seed=3)
    assert again == pytest.approx(once)


def test_rows_of_a_drawn_entity_come_together():
    """A resample holds all rows of an entity as often as the entity was drawn."""
    entities = np.array(["b", "a", "b", "c", "b"])

    def check(rows):
        drawn = np.bincount(rows, minlength=5)
        assert drawn[0] == drawn[2] == drawn[4]
        assert drawn[0] + drawn[1] + drawn[3] == 3
        return 0.0

    assert paired_bootstrap(check, entities, n=50) == (0, 0, 0)


def test_the_same_seed_gives_the_same_interval():
    """Running again gives the same; another seed gives another."""
    values = np.arange(30.0)
    intervals = [
        paired_bootstrap(lambda rows: values[rows].mean(), values, n=99, seed=s) for s in (1, 1, 2)
    ]
    assert intervals[0] == intervals[1] != intervals[2]
    assert all(low <= mid <= high for low, mid, high in intervals)


def positives(labels):
    """Make a statistic that needs a positive."""

    def statistic(rows):
        if not labels[rows].any():
            raise NotEnoughDataError("no positive")
        return float(labels[rows].mean())

    return statistic


def test_leaves_out_resamples_without_a_positive():
    """One positive in three resamples to none at times; those do not count."""
    labels = np.array([1, 0, 0])
    assert paired_bootstrap(positives(labels), labels.cumsum() + np.arange(3)).low > 0


def test_refuses_too_little():
    """No rows, or hardly a resample that can be measured: not enough to go on."""
    with pytest.raises(NotEnoughDataError, match="no rows"):
        paired_bootstrap(lambda _: 0.0, [])

    def hardly(rows):
        if len(set(rows.tolist())) < 10:
            raise NotEnoughDataError("never")
        return 1.0

    with pytest.raises(NotEnoughDataError, match="of 20 resamples"):
        paired_bootstrap(hardly, np.arange(10), n=20)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"level": 1.0}])
def test_refuses_options(wrong):
    """At least one resample, and a level inside the unit interval."""
    with pytest.raises(ConfigurationError):
        paired_bootstrap(lambda _: 0.0, [1, 2], **wrong)
