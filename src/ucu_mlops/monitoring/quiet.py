"""From which distance on a day is unusual: learnt from how much whole quiet days differ.

daily counts of the reference → the days that a weekday is compared with, and an alarm threshold

With N rows a day, chance explains distances of about 1 / sqrt(N); days differ by far more, because
of effects that all users of a day share. So a day is the unit that is resampled, not a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError
from ucu_mlops.quality.drift import jensen_shannon

MIN_DAYS = 2
WEEK = 7
BITS = 8 * np.log(2)  # chi-square distance / BITS is the Jensen-Shannon divergence of near ones


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
        for name in ("floor", "level"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigurationError(
                    f"drift.{name} must be above 0 and below 1, got {getattr(self, name)}"
                )


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
) -> UsualDay:
    """Choose the quiet days that a day is compared with, and how far from them is unusual.

    Quiet days are compared with each other as the day will be: each with the others of its
    weekday, or, where that gives the tighter threshold or fewer than two whole weeks are there,
    with all others. What exceeds sampling noise is the variance between days. The
    threshold is what a day of that variance exceeds with probability ``level / watched``
    (Bonferroni: together at most ``level``, however the features hang together).

    Args:
        daily: Counts per quiet day and bin, shape ``(n_days, n_bins)``; days without any value
            are ignored.
        weekdays: Weekday of each quiet day, 0 is Monday.
        weekday: Weekday of the day to compare.
        rows: Known values that the day has: fewer than quiet days had make more noise.
        watched: How many features and scores are watched together.
        options: How rare a false alarm shall be.

    Returns:
        What to compare the day with.

    Raises:
        DataError: There is not one weekday per day, or a count is negative.
        NotEnoughDataError: Fewer than two days have a value.

    References:
        The Jensen-Shannon divergence of two near samples is a chi-square statistic divided by
        8 ln 2: Lin (1991), "Divergence measures based on the Shannon entropy",
        doi:10.1109/18.61115. Student's t for one more day: Hahn and Meeker, "Statistical
        Intervals", prediction interval of a normal sample.
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
    raise NotImplementedError
