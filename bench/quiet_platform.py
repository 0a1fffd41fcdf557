"""A platform whose days are quiet, as histograms: users in bins, moved by what all of them share.

A user is in a bin of each feature; every day a share of the users (all for ``_1d``, a seventh for
``_7d``, ...) is drawn anew from the day's distribution. That distribution moves with the weekday,
with the season, and with effects that all users of a day share and features of a group in part.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

SETTLED = 60  # days before the first, until trailing windows hold days like the others
YEAR = 365.25

# group: features as in conf/base/parameters/training.yml; the suffix says how fast users change bin
GROUPS = {
    "messages": "sent_1d sent_7d sent_28d per_recipient_7d chars_7d",
    "recipients": "count_1d count_7d count_28d replies_7d replies_28d",
    "links": "share_7d share_28d",
    "mood": "mean_1d mean_7d mean_28d",
    "night": "share_7d",
    "reports": "received_7d received_28d reporters_28d",
    "sessions": "count_1d count_7d count_28d active_7d active_28d",
    "time": "spent_7d spent_28d length_7d",
    "devices": "count_28d countries_28d",
    "profile": "country channel verified completeness",
    "model": "score",
}
NAMES = [f"{group}_{name}" for group, names in GROUPS.items() for name in names.split()]
GROUP_OF = np.array([list(GROUPS).index(name.split("_")[0]) for name in NAMES])
TURNOVER = {"1d": 1.0, "7d": 1 / 7, "28d": 1 / 28, "score": 1 / 3}
ZEROS = {"reports": 0.97, "links": 0.7, "devices": 0.7}
CATEGORIES = {"profile_country": 12, "profile_channel": 4, "profile_verified": 2}
RHYTHM = np.array([0.0, 0.0, 0.0, 0.1, 0.3, 1.0, 0.8])  # of a week, Monday first
MISSING = 0.15  # largest share of unknown values of a feature


@dataclass(frozen=True)
class World:
    """A platform whose days are quiet.

    Attributes:
        users: Users of each day.
        effect: Standard deviation of what all users of a day share, in standard deviations of a
            user.
        wander: Amplitude of the season, in the same unit.
        rhythm: How far a Saturday lies from a Monday at most, in the same unit.
        seed: Of all random numbers.
    """

    users: int
    effect: float
    wander: float = 0.03
    rhythm: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class Day:
    """A day's histograms.

    Attributes:
        counts: Users per bin, for each name.
        missing: Share of unknown values, shape ``(n_names,)``.
    """

    counts: list[NDArray[np.int64]]
    missing: NDArray[np.float64]


class Platform:
    """Draws one day after another."""

    def __init__(self, world: World) -> None:
        """Draw the features, and days until they are like those to come."""
        self.world = world
        self.rng = np.random.default_rng((world.seed, world.users, round(world.effect * 1_000)))
        self.cuts = [_cuts(name, self.rng) for name in NAMES]
        suffixes = [name.split("_")[-1] for name in NAMES]
        self.turnover = np.array([TURNOVER.get(suffix, 0.01) for suffix in suffixes])
        self.phase = self.rng.uniform(0, 2 * np.pi, len(NAMES))
        # A window of whole weeks holds each weekday as often as any other: it has no rhythm.
        self.beat = self.rng.uniform(0, world.rhythm, len(NAMES)) * (self.turnover > 1 / 7)
        self.unknown = self.rng.uniform(0, MISSING, len(NAMES))
        self.counts = [self.rng.multinomial(world.users, _shares(cuts, 0.0)) for cuts in self.cuts]
        self.number = -SETTLED
        for _ in range(SETTLED):
            self.day()

    def day(self, planted: NDArray[np.float64] | None = None) -> Day:
        """Draw the next day; ``planted`` moves each feature by so many standard deviations."""
        world = self.world
        shared = self.rng.standard_normal(len(GROUPS))[GROUP_OF]
        effect = world.effect * (0.8 * shared + 0.6 * self.rng.standard_normal(len(NAMES)))
        season = world.wander * np.sin(2 * np.pi * self.number / YEAR + self.phase)
        centre = effect + season + self.beat * RHYTHM[self.number % 7]
        centre += 0.0 if planted is None else planted
        counts = [self._renewed(each, centre[each]) for each in range(len(NAMES))]
        missing = self.rng.binomial(world.users, self.unknown) / world.users
        self.counts = counts
        self.number += 1
        return Day(counts, missing)

    def _renewed(self, each: int, centre: float) -> NDArray[np.int64]:
        old = self.counts[each]
        leaving = self.rng.binomial(old, self.turnover[each])
        arriving = self.rng.multinomial(leaving.sum(), _shares(self.cuts[each], centre))
        renewed: NDArray[np.int64] = old - leaving + arriving
        return renewed


def _cuts(name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Cut a standard normal variable into bins: many zeros, few categories, or equal counts."""
    if name in CATEGORIES:
        shares = np.sort(rng.dirichlet(np.full(CATEGORIES[name], 1.5)))[::-1]
    else:
        zeros = next((share for start, share in ZEROS.items() if name.startswith(start)), 0.0)
        zeros = max(zeros, 0.4 if name.endswith("_1d") else 0.0)
        filled = max(3, round(20 * (1 - zeros)))
        equal = np.full(filled, (1 - zeros) / filled)
        shares = np.append(zeros, equal) if zeros else equal
    cuts: NDArray[np.float64] = ndtri(np.cumsum(shares)[:-1])
    return cuts


def _shares(cuts: NDArray[np.float64], centre: float) -> NDArray[np.float64]:
    """Give the share of each bin when the variable is moved to ``centre``."""
    below = np.concatenate([[0.0], ndtr(cuts - centre), [1.0]])
    shares: NDArray[np.float64] = np.diff(below)
    return shares / shares.sum()
