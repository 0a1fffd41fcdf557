"""Replay quiet days and planted shifts, monitor only: how often it asks to train, and how soon.

::

    python -m bench.quiet_days --days 3000 --sizes 1000 10000 100000 1000000 --seed 1

Each day's histograms are drawn directly, so a million users cost as much as a thousand. A user is
in a bin of each feature; every day a share of the users (all for ``_1d``, a seventh for ``_7d``,
...) is drawn anew from the day's distribution. That distribution moves with the weekday, with the
season, and with effects that all users of a day share and that features of a group share in part.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ucu_mlops.monitoring.decision import DecisionOptions, decide
from ucu_mlops.monitoring.quiet import QuietOptions, usual_day
from ucu_mlops.quality.drift import jensen_shannon

FIRST = date(2026, 1, 5)  # a Monday
GOAL = 1 / 90
SETTLED = 10  # days before the first: users of all ages are there
YEAR = 365.25
CASES, PRECISION = 40, 0.25  # what moderators decide a day, and how much of it is a violation

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
RARE = ("reports", "links", "devices")  # mostly zero
RHYTHM = np.array([0.0, 0.0, 0.0, 0.1, 0.3, 1.0, 0.8])  # of a week, Monday first


@dataclass(frozen=True)
class World:
    """A platform whose days are quiet.

    Attributes:
        users: Known values of each feature on each day.
        effect: Standard deviation of what all users of a day share, in standard deviations of a
            user.
        wander: Amplitude of the season, in the same unit.
        rhythm: How far a Sunday lies from a Monday, in the same unit.
        seed: Of all random numbers.
    """

    users: int
    effect: float
    wander: float = 0.03
    rhythm: float = 0.15
    seed: int = 0


class Platform:
    """Draws one day's histograms after another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = np.random.default_rng((world.seed, world.users, round(world.effect * 1_000)))
        self.bins = [_bins(name, self.rng) for name in NAMES]
        self.turnover = np.array([TURNOVER.get(name.split("_")[-1], 0.01) for name in NAMES])
        self.phase = self.rng.uniform(0, 2 * np.pi, len(NAMES))
        self.beat = self.rng.uniform(0, 1, len(NAMES)) * (
            self.turnover > 0.3
        )  # whole weeks have none
        self.number = -SETTLED
        self.counts = [
            self.rng.multinomial(world.users, _moved(bins, 0.0)).astype(np.int64)
            for bins in self.bins
        ]
        for _ in range(SETTLED):
            self.day()

    def day(self, planted: NDArray[np.float64] | None = None) -> list[NDArray[np.int64]]:
        """Draw the next day; ``planted`` moves each feature by so many standard deviations."""
        world, number = self.world, self.number
        shared = self.rng.standard_normal(len(GROUPS))[GROUP_OF]
        effect = world.effect * (0.8 * shared + 0.6 * self.rng.standard_normal(len(NAMES)))
        season = world.wander * np.sin(2 * np.pi * number / YEAR + self.phase)
        week = world.rhythm * RHYTHM[number % 7] * self.beat
        centre = effect + season + week + (0.0 if planted is None else planted)
        for position, bins in enumerate(self.bins):
            old = self.counts[position]
            leaving = self.rng.binomial(old, self.turnover[position])
            shares = _moved(bins, centre[position])
            self.counts[position] = old - leaving + self.rng.multinomial(leaving.sum(), shares)
        self.number += 1
        return [counts.copy() for counts in self.counts]


def _bins(name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Give the usual share of each bin: many zeros, few categories, or equal counts."""
    if name in {"profile_verified", "profile_channel", "profile_country"}:
        size = {"profile_verified": 2, "profile_channel": 4, "profile_country": 12}[name]
        return np.sort(rng.dirichlet(np.full(size, 1.5)))[::-1]
    zeros = 0.0
    if name.startswith(RARE):
        zeros = 0.97 if name.startswith("reports") else 0.7
    elif name.endswith("_1d"):
        zeros = 0.4
    filled = max(3, round(20 * (1 - zeros)))
    equal = np.full(filled, (1 - zeros) / filled)
    return np.concatenate([[zeros], equal]) if zeros else equal


def _moved(shares: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """Move a normal variable cut at these shares by ``by`` standard deviations."""
    cuts = stats.norm.ppf(np.cumsum(shares)[:-1])
    moved = np.diff(np.concatenate([[0.0], stats.norm.cdf(cuts - by), [1.0]]))
    result: NDArray[np.float64] = moved / moved.sum()
    return result


class Monitor:
    """Watches day by day with one reference; asks nobody to train."""

    def __init__(
        self, quiet: list[list[NDArray[np.int64]]], last: int, weights: NDArray[np.float64]
    ) -> None:
        self.days = [np.stack([day[position] for day in quiet]) for position in range(len(NAMES))]
        self.weekdays = [(last - len(quiet) + 1 + day) % 7 for day in range(len(quiet))]
        self.weights = weights
        self.usual: dict[tuple[int, int], Any] = {}
        self.rows: list[pd.DataFrame] = []

    def look(
        self, counts: list[NDArray[np.int64]], number: int, options: QuietOptions
    ) -> pd.DataFrame:
        weekday = number % 7
        found = []
        for position, name in enumerate(NAMES):
            key = position, weekday
            if key not in self.usual:
                self.usual[key] = usual_day(
                    self.days[position],
                    self.weekdays,
                    weekday=weekday,
                    rows=int(counts[position].sum()),
                    watched=len(NAMES),
                    options=options,
                )
            usual = self.usual[key]
            measure = jensen_shannon(counts[position], usual.counts)
            found.append((measure, usual.threshold))
        return np.array(found)
