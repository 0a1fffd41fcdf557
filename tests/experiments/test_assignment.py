"""Who gets which variant."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.experiments.made import FIRST, experiment
from ucu_mlops.experiments.assignment import variant_of

MANY = [f"user_{number:06d}" for number in range(20_000)]


def dealt(chosen, day=FIRST):
    """Deal everybody's variant."""
    return np.array([variant_of(chosen, each, day) or "" for each in MANY])


@given(
    entity_id=st.text(min_size=1, max_size=20),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=5).map(sorted),
    days=st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted),
)
def test_who_takes_part_never_leaves_or_changes_sides(entity_id, shares, days):
    """However a ramp grows, a later day's variant is the earlier day's."""
    ramp = {FIRST + timedelta(days=2 * number): share for number, share in enumerate(shares)}
    chosen = experiment(ramp=ramp)
    earlier, later = (variant_of(chosen, entity_id, FIRST + timedelta(days=day)) for day in days)
    assert earlier is None or later == earlier


def test_shares_are_met():
    """Of 20,000 users each variant gets its share of those that take part, within 4 sigma."""
    chosen = experiment(
        variants={"control": "champion", "b": "2", "c": "3"},
        shares={"control": 0.5, "b": 0.3, "c": 0.2},
        ramp={FIRST: 0.4},
    )
    found = dealt(chosen)
    for name, share in {"control": 0.2, "b": 0.12, "c": 0.08, "": 0.6}.items():
        sigma = np.sqrt(share * (1 - share) / len(MANY))
        assert abs((found == name).mean() - share) < 4 * sigma, name


def test_experiments_are_independent():
    """Which variant somebody has in one experiment says nothing about another: chi-square < 15."""
    first, second = (dealt(experiment(name=name, ramp={FIRST: 0.5})) for name in ("one", "two"))
    names = ("", "control", "candidate")
    counts = np.array([[((first == a) & (second == b)).sum() for b in names] for a in names])
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 15  # four degrees of freedom: p 0.005


def test_a_variant_is_the_same_everywhere():
    """The hash is pinned: another process, machine or version of the project deals the same."""
    known = ["candidate", None, "control"]
    chosen = experiment(ramp={FIRST: 0.5})
    assert [variant_of(chosen, each, FIRST) for each in ("user_1", "user_2", "user_9")] == known


def test_nobody_takes_part_outside_of_the_time():
    """The day before the ramp and the day after the end nobody does."""
    chosen = experiment(ends=FIRST + timedelta(days=3))
    for day, share in ((-1, 0.0), (0, 1.0), (3, 1.0), (4, 0.0)):
        assert (dealt(chosen, FIRST + timedelta(days=day)) != "").mean() == share
    assert chosen.exposure(date(2026, 1, 1)) == 0
