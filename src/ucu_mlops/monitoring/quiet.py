"""From which distance on a day is unusual: learnt from how much whole quiet days differ.

daily counts of the reference → the days that a weekday is compared with, and an alarm threshold

With N rows a day, chance explains distances of about 1 / sqrt(N); days differ by far more, because
of effects that all users of a day share. So a day is the unit that is resampled, not a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, rel_entr, stdtrit

from ucu_mlops.errors import DataError, NotEnoughDataError
from ucu_mlops.quality.checks import INNER_SHARE, check_numbers

MIN_DAYS = 2
WEEK = 7
# What is believed of a feature before its days are seen, worth so many days: a standard deviation
# of this share of the floor, or of the liveliest features' (a quantile of all) where that is more.
PRIOR_DAYS = 4.0
PRIOR_SHARE = 1 / 6
LIVELY, LIVELY_SHARE = 0.9, 1 / 4
BITS = 8 * np.log(2)  # chi-square distance / BITS is the Jensen-Shannon divergence of near ones

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class QuietOptions:
    """How rare a false alarm shall be, and what is too small to matter.

    Attributes:
        floor: Jensen-Shannon distance (0..1) below which nothing counts as drift, however alike
            the quiet days were: smaller ones do not matter.
        level: Probability that, on one quiet day, any of the watched features or the score
            exceeds its threshold. A decision needs that to last (``decision.drifting_days``), and
            is far rarer.
    """

    floor: float = 0.03
    level: float = 0.05

    def __post_init__(self) -> None:
        """Refuse thresholds that always or never alarm."""
        check_numbers(self, "drift", FILE, floor=INNER_SHARE, level=INNER_SHARE)


@dataclass(frozen=True)
class UsualDay:
    """What a day is compared with.

    Attributes:
        counts: Values per bin of the quiet days like it, together; shape ``(n_bins,)``.
        threshold: Jensen-Shannon distance (0..1) from ``counts`` above which the day is unusual.
    """

    counts: NDArray[np.int64]
    threshold: float


def usual_day(
    daily: ArrayLike,
    weekdays: Sequence[int],
    *,
    weekday: int,
    rows: int,
    watched: int,
    options: QuietOptions,
    prior: float = 0.0,
) -> UsualDay:
    """Choose the quiet days that a day is compared with, and how far from them is unusual.

    Quiet days are compared with each other as the day will be: each with the others of its
    weekday or, where the reference holds fewer than two of some weekday, with all others. What
    exceeds sampling noise is the variance between days; the threshold is what one more day
    exceeds with probability ``level / watched``, by sampling noise and by Student's t with as
    many degrees of freedom as there are independent days (of days that resemble the day before,
    as those of a trailing window do, there are few) and a prior.

    In words: on a quiet day any of the features or the score alarms with probability ``level`` at
    most, all of them together (Bonferroni: however they hang together).

    Args:
        daily: Counts per quiet day and bin, shape ``(n_days, n_bins)``; days without any value
            are ignored.
        weekdays: Weekday of each quiet day, 0 is Monday.
        weekday: Weekday of the day to compare.
        rows: Known values that the day has: fewer than quiet days had make more noise.
        watched: How many features and scores are watched together.
        options: How rare a false alarm shall be.
        prior: What :func:`prior_variance` gave for all that is watched; 0 without.

    Returns:
        What to compare the day with.

    Raises:
        DataError: There is not one weekday per day, or a count is negative.
        NotEnoughDataError: Fewer than two days have a value.

    References:
        For near distributions 8 ln 2 times the divergence is the chi-square distance: Endres and
        Schindelin (2003), doi:10.1109/TIT.2003.813506. A variance with a prior, and its t: Smyth
        (2004), "Linear models and empirical Bayes methods", doi:10.2202/1544-6115.1027. Degrees
        of freedom of autocorrelated days: Bayley and Hammersley (1946), doi:10.2307/2983560.
    """
    counts = np.asarray(daily, dtype=np.int64)
    names = np.asarray(weekdays, dtype=np.int64)
    if counts.ndim != 2 or names.shape != counts.shape[:1] or (counts < 0).any():  # noqa: PLR2004
        raise DataError(
            "quiet days need counts of 0 or more, shape (n_days, n_bins), and one weekday per day; "
            f"got shapes {counts.shape} and {names.shape}"
        )
    held = counts.sum(axis=1) > 0
    counts, names = counts[held], names[held]
    if len(counts) < MIN_DAYS:
        raise NotEnoughDataError(
            f"an alarm threshold needs at least {MIN_DAYS} quiet days with values, "
            f"got {len(counts)}; release a version whose reference has them"
        )
    names = _groups(names)
    like = names == weekday if names.any() else np.ones(len(names), dtype=bool)
    usual, days = counts[like].sum(axis=0), int(like.sum())
    chance = options.level / max(watched, 1)
    free = max(int((usual > 0).sum()) - 1, 1)
    typical = np.array([np.median(counts.sum(axis=1))])
    unit = _noise(1, np.array([max(rows, 1)]), typical)[0]
    freedom, variance = _between_days(counts, names)
    known = PRIOR_DAYS + freedom
    least = max(prior, (options.floor * PRIOR_SHARE) ** 2)
    mixed = (PRIOR_DAYS * least + freedom * variance) / known
    believed = max(variance, mixed)  # the prior raises what few days show, and never lowers it
    lasting = stdtrit(known, chance / 2) ** 2 * believed * (1 + 1 / days)
    chanced = unit * (chdtri(free, chance) - free)
    threshold = np.sqrt(unit * free + np.hypot(chanced, lasting))
    return UsualDay(usual, float(np.clip(threshold, options.floor, 1.0)))


def prior_variance(histories: Iterable[ArrayLike], weekdays: Sequence[int]) -> float:
    """Guess from all features together what each one's days may vary by at least.

    Days in a trailing window resemble each other, so that two weeks hardly show how much they
    vary. The features of single days do: a week averages their weather to about a quarter.

    Args:
        histories: For each feature and score its counts per quiet day and bin, as for
            :func:`usual_day`.
        weekdays: Weekday of each quiet day, 0 is Monday.
    """
    names = np.asarray(weekdays, dtype=np.int64)
    found = []
    for history in histories:
        counts = np.asarray(history, dtype=np.int64)
        held = counts.sum(axis=1) > 0
        if held.sum() >= MIN_DAYS:
            groups = _groups(names[held])
            found.append(_between_days(counts[held], groups)[1])
    return LIVELY_SHARE**2 * float(np.quantile(found, LIVELY)) if found else 0.0


def _groups(weekdays: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the weekdays that days are compared within; one for all where some are too few."""
    few = np.bincount(weekdays, minlength=WEEK).min() < MIN_DAYS
    return np.zeros_like(weekdays) if few else weekdays


def _between_days(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> tuple[float, float]:
    """Estimate the variance between days beyond sampling noise, and its degrees of freedom."""
    members = groups[:, None] == groups
    others = members @ counts - counts
    size = members.sum(axis=1)
    found = _divergences(counts, others)
    free = (counts.sum(axis=0) > 0).sum() - 1
    noise = _noise(int(free), counts.sum(axis=1), others.sum(axis=1))
    variance = float(np.mean((found - noise) / (1 + 1 / (size - 1))))
    shares = counts / counts.sum(axis=1, keepdims=True)
    usual = counts.sum(axis=0) / counts.sum()
    left = (shares - members @ shares / size[:, None]) / np.sqrt(np.where(usual > 0, usual, 1))
    total = float((left**2).sum())
    follows = float((left[1:] * left[:-1]).sum()) / total if total > 0 else 0.0
    follows = min(max(follows, 0.0), 0.99)
    freedom = (len(counts) - len(np.unique(groups))) * (1 - follows) / (1 + follows)
    return freedom, max(variance, 0.0)


def _divergences(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the Jensen-Shannon divergence in bits of each day from the others like it."""
    ours, theirs = (side / side.sum(axis=1, keepdims=True) for side in (first, second))
    middle = (ours + theirs) / 2
    both = rel_entr(ours, middle) + rel_entr(theirs, middle)
    bits: NDArray[np.float64] = both.sum(axis=1) / 2 / np.log(2)
    return bits


def _noise(
    free: int, first: NDArray[np.int64], second: NDArray[np.int64] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the divergence expected of two samples of one distribution."""
    expected: NDArray[np.float64] = free / BITS * (1 / first + 1 / second)
    return expected
