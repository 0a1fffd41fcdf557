"""Thresholds follow from how much whole quiet days differ, whatever the number of rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError
from ucu_mlops.monitoring.quiet import QuietOptions, usual_day
from ucu_mlops.quality.drift import jensen_shannon

CUTS = np.linspace(-2, 2, 19)
MONDAY, SATURDAY = 0, 5


def day(users, centre, rng):
    """Count normal users around a centre, 20 bins."""
    return np.bincount(np.searchsorted(CUTS, rng.normal(centre, 1, users)), minlength=20)


def quiet(users=5_000, effect=0.0, days=14, weekend=0.0, seed=0):
    """Make quiet days from a Monday on; the same draw of effects for every size."""
    rng, effects = np.random.default_rng(seed), np.random.default_rng(seed + 1_000)
    weekdays = [number % 7 for number in range(days)]
    centres = effect * effects.standard_normal(days) + weekend * np.array(
        [weekday > 4 for weekday in weekdays]
    )
    return np.stack([day(users, centre, rng) for centre in centres]), weekdays


def usual(daily, weekdays, weekday=MONDAY, **changed):
    """Give what a day is compared with."""
    given_ = {"rows": int(daily.sum(axis=1).mean()), "watched": 35, "options": QuietOptions()}
    return usual_day(daily, weekdays, weekday=weekday, **(given_ | changed))


def test_days_that_differ_more_raise_the_threshold():
    """Effects that all users of a day share count, although no row tells of them."""
    thresholds = [usual(*quiet(200_000, effect)).threshold for effect in (0, 0.05, 0.1, 0.2)]
    assert thresholds == sorted(thresholds)
    assert thresholds[-1] > 2 * thresholds[0]


def test_more_rows_do_not_lower_it_for_ever():
    """With a million rows chance is nothing and the days are all: a fixed share stays."""
    small, large, huge = (
        usual(*quiet(users, 0.1)).threshold for users in (500, 100_000, 1_000_000)
    )
    assert small > large
    assert huge == pytest.approx(large, rel=0.15)


def test_fewer_rows_today_raise_it():
    """A thin day after full ones has more sampling noise."""
    daily, weekdays = quiet()
    thin, full = (usual(daily, weekdays, rows=rows).threshold for rows in (300, 5_000))
    assert thin > 1.5 * full


def test_a_weekday_is_compared_with_its_like():
    """Weekends of two weeks neither alarm on Saturday nor blunt Monday's alarm."""
    daily, weekdays = quiet(50_000, 0.02, weekend=1.0)
    plain, _ = quiet(50_000, 0.02)
    saturday, monday = (usual(daily, weekdays, weekday) for weekday in (SATURDAY, MONDAY))
    rng = np.random.default_rng(9)
    assert jensen_shannon(day(50_000, 1.0, rng), saturday.counts) < saturday.threshold
    assert jensen_shannon(day(50_000, 1.0, rng), monday.counts) > monday.threshold
    assert monday.threshold < 1.5 * usual(plain, weekdays).threshold


def test_less_than_two_weeks_are_compared_with_all():
    """With one Monday there is nothing that a Monday could be compared with but every day."""
    daily, weekdays = quiet(days=13)
    assert usual(daily, weekdays).counts.tolist() == daily.sum(axis=0).tolist()
    daily, weekdays = quiet(days=14)
    assert usual(daily, weekdays).counts.tolist() == daily[[0, 7]].sum(axis=0).tolist()


@pytest.mark.parametrize("lengths", [(3, 7, 13), (14, 28, 56)], ids=["all days", "weekdays"])
def test_few_days_are_trusted_less(lengths):
    """The fewer the quiet days, the farther a day may lie."""
    thresholds = [
        np.median([usual(*quiet(20_000, 0.1, days, seed=seed)).threshold for seed in range(15)])
        for days in lengths
    ]
    assert thresholds == sorted(thresholds, reverse=True)


def test_more_features_more_caution():
    """The probability of an alarm is shared among all that are watched."""
    daily, weekdays = quiet(effect=0.05)
    one, many = (usual(daily, weekdays, watched=watched).threshold for watched in (1, 100))
    assert many > one


@pytest.mark.parametrize("effect", [0.0, 0.05, 0.2])
def test_quiet_days_exceed_it_as_rarely_as_promised(effect):
    """Over many references and days a single feature exceeds its share of the level at most."""
    options, exceeded, days = QuietOptions(floor=1e-9, level=0.05), 0, 0
    for seed in range(40):
        daily, weekdays = quiet(2_000, effect, days=38, seed=seed)
        for number in range(14, 38):
            like = usual(daily[:14], weekdays[:14], weekdays[number], watched=1, options=options)
            exceeded += jensen_shannon(daily[number], like.counts) > like.threshold
            days += 1
    assert exceeded / days <= 0.05


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 10_000), min_size=5, max_size=5).filter(any),
        min_size=2,
        max_size=20,
    ),
    st.integers(0, 6),
    st.integers(0, 10**7),
)
def test_any_counts_give_a_threshold_above_the_floor(daily, weekday, rows):
    """Empty bins, single days of a weekday and no rows today end in a number from floor to 1."""
    weekdays = [number % 7 for number in range(len(daily))]
    found = usual(np.array(daily), weekdays, weekday, rows=rows)
    assert 0.03 <= found.threshold <= 1
    assert found.counts.sum() > 0


def test_refuses():
    """Too few days, shapes that do not fit and levels that always alarm are named."""
    daily, weekdays = quiet(days=3)
    with pytest.raises(NotEnoughDataError, match="got 1"):
        usual(daily * [[1], [0], [0]], weekdays)
    with pytest.raises(DataError, match="one weekday per day"):
        usual(daily, weekdays[:2])
    with pytest.raises(DataError, match="0 or more"):
        usual(-daily, weekdays)
    with pytest.raises(ConfigurationError, match=r"drift\.level"):
        QuietOptions(level=0)
