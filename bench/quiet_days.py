"""Replay quiet days and planted shifts, monitor only: how often it asks to train, and how soon.

::

    python -m bench.quiet_days --days 3000 --sizes 1000 10000 100000 1000000 --seed 1

Thresholds and decisions are the project's own; each day's histograms are drawn directly (see
``bench.quiet_platform``), so a million users cost little more than a thousand.
"""

import argparse
import sys
from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bench.quiet_platform import NAMES, Day, Platform, World
from ucu_mlops.monitoring.decision import Standing, decide
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.outcome import outcome_of
from ucu_mlops.monitoring.quiet import QuietOptions, UsualDay, prior_variance, usual_day
from ucu_mlops.monitoring.reference import SCORE, variety
from ucu_mlops.quality.drift import jensen_shannon

GOAL = 1 / 90  # decisions a day, upper 95 % bound
DETECTED = 5  # days within which a planted shift should be acted on
EFFECTS, SHIFTS = (0.01, 0.03, 0.1), (0.1, 0.25, 0.5, 1.0)
CASES, ERROR, SECOND_LOOKS, WARM = 40, 0.01, 0.075, 50  # of the queue's days
FIRST = date(2026, 1, 5)  # a Monday
DRIFT = DriftOptions(floor=0.03)
DECISION = DecisionOptions(cooldown_days=0, min_verdicts=0)
NEEDED = ["name", "as_of", "kind", "measure", "threshold", "missing_share", "weight", "state"]
QUIET = {"state": "quiet", "window": {"precision": 0.25, "decided": 280}}


def outcome_quiet() -> dict[str, Any]:
    """Give an outcome in which nothing happens; ``Outcome`` replays that side."""
    calm = {"state": "quiet"}
    moderators = {"agreement": calm, "confirming": calm, "speed": calm, "unlike_others": []}
    return {
        "queue_precision": QUIET,
        "missed": QUIET,
        "missed_growth": {"known": 0, "new": 0},
        "moderators": moderators | {"state": "quiet"},
        "new_verdicts": {"decided": 300, "violations": 75},
    }


class Monitor:
    """Watches with one reference, day by day; trains nobody."""

    def __init__(self, quiet: list[Day], last: int, weights: NDArray[np.float64]) -> None:
        """Remember quiet days, the last of which has the number ``last``."""
        self.quiet = [np.stack([day.counts[each] for day in quiet]) for each in range(len(NAMES))]
        self.weekdays = [(last - len(quiet) + 1 + day) % 7 for day in range(len(quiet))]
        self.missing = np.max([day.missing for day in quiet], axis=0)
        self.variety = [min(variety(day) for day in daily) for daily in self.quiet]
        self.prior = prior_variance(self.quiet, self.weekdays)
        self.weights = weights
        self.usual: dict[tuple[int, int], UsualDay] = {}
        self.rows: deque[list[tuple[Any, ...]]] = deque(maxlen=DECISION.days)

    def look(self, day: Day, number: int) -> str:
        """Measure a day and decide about it."""
        as_of = FIRST + timedelta(days=number)
        self.rows.append([self._row(each, day, as_of) for each in range(len(NAMES))])
        if all(row[-1] == "quiet" for rows in self.rows for row in rows):
            return "none"  # as decide would say, a hundred times as fast
        drift = pd.DataFrame([row for rows in self.rows for row in rows], columns=NEEDED)
        drift = drift.reindex(columns=list(DRIFT_COLUMNS)).assign(version="1")
        return decide(
            drift,
            outcome_quiet(),
            model="replay",
            as_of=as_of,
            options=DECISION,
            standing=Standing("1"),
        ).action

    def _row(self, each: int, day: Day, as_of: date) -> tuple[Any, ...]:
        counts, missing = day.counts[each], float(day.missing[each])
        usual = self._usual(each, as_of.weekday(), int(counts.sum()))
        measure = jensen_shannon(counts, usual.counts)
        frozen = self.variety[each] >= DRIFT.variety and variety(counts) == 0
        if frozen or missing > self.missing[each] + DRIFT.missing_jump:
            state = "fault"
        else:
            state = "drift" if measure > usual.threshold else "quiet"
        name = NAMES[each]
        kind, weight = (SCORE, 1.0) if name == "model_score" else ("numeric", self.weights[each])
        return name, as_of, kind, measure, usual.threshold, missing, weight, state

    def _usual(self, each: int, weekday: int, rows: int) -> UsualDay:
        """Compute a threshold once per reference and weekday: rows hardly change."""
        if (each, weekday) not in self.usual:
            self.usual[each, weekday] = usual_day(
                self.quiet[each],
                self.weekdays,
                weekday=weekday,
                rows=rows,
                watched=len(NAMES),
                options=QuietOptions(DRIFT.floor, DRIFT.level),
                prior=self.prior,
            )
        return self.usual[each, weekday]


@dataclass
class Tally:
    """What came of a cell.

    Attributes:
        days: Quiet days replayed.
        decisions: Retrainings asked for, each a false one.
        faults: Days called a data fault.
    """

    days: int = 0
    decisions: int = 0
    faults: int = 0

    @property
    def bound(self) -> float:
        """Give the upper 95 % bound on decisions a day (Poisson)."""
        return float(stats.chi2.ppf(0.95, 2 * (self.decisions + 1)) / 2 / self.days)


def weights(seed: int) -> NDArray[np.float64]:
    """Give importances as models have them: few features matter much (1 / rank)."""
    ranks = np.random.default_rng(seed).permutation(len(NAMES) - 1) + 1
    return np.append(1 / ranks / (1 / ranks).sum(), 1.0)


def replay(world: World, days: int, reference: int) -> Tally:
    """Watch quiet days; after each decision the reference is renewed, as the loop would."""
    platform, tally, importances = Platform(world), Tally(), weights(world.seed)
    past = deque([platform.day() for _ in range(reference)], maxlen=reference)
    monitor = Monitor(list(past), reference - 1, importances)
    for number in range(reference, reference + days):
        day = platform.day()
        action = monitor.look(day, number)
        tally.days += 1
        tally.faults += action == "data_fault"
        if action != "data_fault":
            past.append(day)
        if action == "retrain":
            tally.decisions += 1
            monitor = Monitor(list(past), number, importances)
    return tally


def found(world: World, shift: float, trials: int, reference: int) -> float:
    """Give the share of shifts of one group, planted on quiet platforms, acted on in time."""
    platform, hits = Platform(world), 0
    for trial in range(trials):
        first = platform.number + reference
        monitor = Monitor([platform.day() for _ in range(reference)], first - 1, weights(trial))
        shifted = deepcopy(platform)
        planted = np.where([name.startswith("messages_") for name in NAMES], shift, 0.0)
        acted = [monitor.look(shifted.day(planted), first + day) for day in range(DETECTED)]
        hits += "retrain" in acted
    return hits / trials


def verdict_days(days: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a quiet queue: cases with scores, verdicts of four moderators, blind second looks."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(days), CASES)
    probability = rng.beta(1.2, 3.6, number.size)
    usual = np.clip(probability * np.exp(0.1 * rng.standard_normal(days))[number], 0, 1)
    violation = rng.random(number.size) < usual
    day = pd.Timestamp(FIRST) + pd.to_timedelta(number, unit="D")
    moderator = rng.integers(4, size=number.size)
    decided = (day + pd.to_timedelta(1.4 + 2 * rng.random(number.size), unit="D")).tz_localize(
        "UTC"
    )
    ids = np.arange(number.size).astype(str)
    firsts = pd.DataFrame(
        {
            "verdict_id": ids,
            "case_id": ids,
            "first_case_id": None,
            "as_of": day,
            "source": "model",
            "version": "1",
            "label": None,
            "probability": probability,
            "moderator_id": moderator.astype(str),
            "is_violation": violation ^ (rng.random(number.size) < ERROR),
            "decided_at": decided,
        }
    )
    seconds = firsts[rng.random(number.size) < SECOND_LOOKS].copy()
    seconds = seconds.assign(
        first_case_id=seconds["case_id"],
        case_id="second " + seconds["case_id"],
        verdict_id="second " + seconds["verdict_id"],
        moderator_id=((seconds["moderator_id"].astype(int) + 1) % 4).astype(str),
        is_violation=violation[seconds.index] ^ (rng.random(len(seconds)) < ERROR),
        decided_at=seconds["decided_at"] + pd.Timedelta(days=3),
    )
    return firsts, pd.concat([firsts, seconds], ignore_index=True)


def replay_outcome(days: int, seed: int) -> dict[str, int]:
    """Watch a quiet queue: how often precision or moderators are said to have changed."""
    firsts, looks = verdict_days(days + WARM, seed)
    told = {"days": days, "precision": 0, "moderators": 0}
    version_from = 0
    for number in range(WARM, WARM + days):
        as_of = FIRST + timedelta(days=number)
        last = pd.Timestamp(as_of)
        own = firsts[firsts["as_of"].between(last - timedelta(days=number - version_from), last)]
        lately = looks[looks["as_of"].between(last - timedelta(days=50), last)]
        outcome = outcome_of(own, lately, as_of=as_of, options=DECISION.outcome)
        told["moderators"] += outcome["moderators"]["state"] == "drift"
        if outcome["queue_precision"]["state"] == "drift":
            told["precision"] += 1
            version_from = number
    return told


def main() -> None:
    """Replay each size and effect, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.quiet_days", description=__doc__)
    parser.add_argument("--days", type=int, default=3_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--effects", type=float, nargs="+", default=EFFECTS)
    parser.add_argument("--reference", type=int, default=14, help="quiet days in the reference")
    parser.add_argument("--wander", type=float, default=World.wander)
    parser.add_argument("--trials", type=int, default=20, help="planted shifts of each size")
    parser.add_argument("--queue-days", type=int, default=3_000, help="of a quiet queue; 0: none")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    _say(f"{'users':>9} {'effect':>6} {'decisions':>9} {'bound':>7} {'holds':>5} {'faults':>6}  ")
    _say(f"shifts acted on within {DETECTED} days, by size in sd\n")
    for users in asked.sizes:
        for effect in asked.effects:
            world = World(users, effect, wander=asked.wander, seed=asked.seed)
            tally = replay(world, asked.days, asked.reference)
            holds = "yes" if tally.bound <= GOAL else "NO"
            _say(f"{users:>9} {effect:>6} {tally.decisions:>9} {tally.bound:>7.4f} {holds:>5} ")
            _say(f"{tally.faults:>6}  ")
            if asked.trials:
                for shift in SHIFTS:
                    share = found(world, shift, asked.trials, asked.reference)
                    _say(f"{shift}: {share:.0%}  ")
            _say("\n")
    if asked.queue_days:
        told = replay_outcome(asked.queue_days, asked.seed)
        _say(f"quiet queue of {CASES} cases a day: {told}\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
