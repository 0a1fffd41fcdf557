"""How often the gate releases a challenger that is truly so much better, on simulated platforms.

::

    python -m bench.gate_power --seeds 200 --first-seed 1000

Each world is a platform of 20,000 active users at the default capacity. The champion fills the
queue day after day beside reports and exploration, confirmed users leave and are replaced,
dismissed ones rest: what the gate gets are the decided rows of the held-out users, chosen by the
champion, as in production. Champion and challenger see the truth through noise of which they share
half; how well is set so that their true recall at capacity among all active users is as asked.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy.stats import norm

from ucu_mlops.release.conditions import GateReport
from ucu_mlops.release.gate import compare
from ucu_mlops.release.options import GateOptions

GAINS = (-0.1, 0.0, 0.05, 0.1, 0.2)
SHUFFLED = "shuffled"
SHARES = (0.15, 0.3)
RESAMPLES = 300  # the gate itself takes 1,000
CHAMPION_RECALL = 0.12
SHARED_NOISE = 0.5
DAILY_NOISE = 0.1  # of the variance: a user's score is much the same on the next day
USERS, SCAMMERS = 20_000, 0.0085
CAPACITY, EXPLORED, REPORTED, SECOND_LOOKS = 60, 9, 12, 3
REPORTS = {True: 0.01, False: 0.001}  # a day, per scammer and per honest user
REST_DAYS, BURN_IN_DAYS, DAYS = 14, 10, 28
CONF = Path(__file__).parents[1] / "conf/base/parameters/gate.yml"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What is known of all decided cases of a world's last four weeks.

    Attributes:
        rows: One row per decided first look, the columns of the gate's hold-out.
        luck: Uniform number of each row's user: held out where it is below the share.
    """

    rows: pd.DataFrame
    luck: Floats


def separation(recall: float) -> float:
    """Find by how many deviations scores must tell scammers apart for a recall at capacity."""
    places = (CAPACITY / USERS - SCAMMERS * recall) / (1 - SCAMMERS)
    return float(norm.isf(places) + norm.ppf(recall))


def play(seed: int, gain: float | str) -> World:
    """Play a world in which the champion fills the queue and a challenger looks on."""
    generator = np.random.default_rng(seed)
    scams = generator.random(USERS) < SCAMMERS
    shuffled = gain == SHUFFLED
    tells = np.array(
        [separation(CHAMPION_RECALL), 0.0 if shuffled else separation(CHAMPION_RECALL + gain)]
    )
    shared = 0.0 if shuffled else SHARED_NOISE
    person = _persons(generator, USERS, shared)
    free_from, name = np.zeros(USERS, dtype=int), np.arange(USERS)
    luck, names, found = generator.random(USERS), USERS, []
    for day in range(BURN_IN_DAYS + DAYS):
        noise = generator.normal(size=(2, USERS)) * DAILY_NOISE**0.5
        scores = tells[:, None] * scams + person * (1 - DAILY_NOISE) ** 0.5 + noise
        chosen, weights = _queue(generator, scores[0], scams, np.flatnonzero(free_from <= day))
        if day >= BURN_IN_DAYS:
            found.append(
                pd.DataFrame(
                    {
                        "entity_id": name[chosen],
                        "as_of": date(2026, 1, 1) + timedelta(days=day),
                        "label": scams[chosen].astype(int),
                        "weight": weights,
                        "champion": norm.cdf(scores[0, chosen] - 3),
                        "challenger": norm.cdf(scores[1, chosen] - 3),
                        "luck": luck[chosen],
                    }
                )
            )
        free_from[chosen] = day + REST_DAYS
        # A confirmed scammer leaves; another one, whom nobody knows, comes.
        gone = chosen[scams[chosen]]
        free_from[gone], person[:, gone] = day + 1, _persons(generator, gone.size, shared)
        name[gone], luck[gone] = names + np.arange(gone.size), generator.random(gone.size)
        names += gone.size
    rows = pd.concat(found, ignore_index=True)
    return World(rows.drop(columns="luck"), rows["luck"].to_numpy())


def _persons(generator: np.random.Generator, number: int, shared: float) -> Floats:
    common = generator.normal(size=number) * shared**0.5
    return common + generator.normal(size=(2, number)) * (1 - shared) ** 0.5


def _queue(
    generator: np.random.Generator, scores: Floats, scams: NDArray[np.bool_], free: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Floats]:
    """Choose the cases of a day as ``review.queue`` does, and what each one's draw stands for."""
    ranked = free[np.argsort(-scores[free], kind="stable")]
    places = CAPACITY - EXPLORED - SECOND_LOOKS
    reported = generator.random(scores.size) < np.where(scams, REPORTS[True], REPORTS[False])
    below = ranked[places - REPORTED :]
    by_report = below[reported[below]][:REPORTED]
    by_model = ranked[~np.isin(ranked, by_report)][: places - by_report.size]
    unseen = np.setdiff1d(free, np.concatenate([by_model, by_report]))
    explored = generator.choice(unseen, EXPLORED, replace=False)
    weights = np.ones(places + EXPLORED)
    weights[places:] = min(unseen.size / EXPLORED, 20.0)  # as labels are clipped
    return np.concatenate([by_model, by_report, explored]), weights


def main() -> None:
    """Print the release rate by true gain, hold-out share and number of positives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    asked = parser.parse_args()
    shipped = yaml.safe_load(CONF.read_text())["gate"]["scam"]
    options = GateOptions(**shipped | {"resamples": RESAMPLES})
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    print_rates(release_rates(seeds, asked.shares, options), asked.seeds)


def release_rates(
    seeds: range, shares: list[float], options: GateOptions
) -> dict[tuple[float, float | str], dict[str, list[float]]]:
    """Ask the gate about every seed, share and gain.

    Returns:
        By share and gain: ``positives``, ``sound`` and ``faulty`` (1 where the challenger was
        released against a sound champion, against a faulty one), one entry per seed.
    """
    found: dict[tuple[float, float | str], dict[str, list[float]]] = {}
    for gain in (*GAINS, SHUFFLED):
        for seed in seeds:
            world = play(seed, gain)
            for share in shares:
                rows = world.rows[world.luck < share]
                told = found.setdefault((share, gain), defaultdict(list))
                told["positives"].append(rows.loc[rows["label"].eq(1), "entity_id"].nunique())
                report = compare(rows, options)
                told["sound"].append(float(report.action == "promote"))
                told["faulty"].append(float(_passes_leniently(report, options)))
    return found


def _passes_leniently(report: GateReport, options: GateOptions) -> bool:
    """Tell what ``compare(…, lenient=True)`` would: all but the gain's bound is the same."""
    others = [each.holds for each in report.conditions if each.name != "gain_above_margin"]
    gain = report.metrics["gain"]
    return all(others) and gain is not None and gain["low"] > -options.non_inferiority


def print_rates(rates: dict[tuple[float, float | str], dict[str, list[float]]], seeds: int) -> None:
    """Print one line per share and kind of champion."""
    out = sys.stdout.write
    out(f"share of {seeds} seeds in which the challenger is released, by its true gain in recall\n")
    out("hold-out  positives (10-90 %)  champion  " + "".join(f"{g!s:>9}" for g in _gains(rates)))
    out("\n")
    for share in sorted({share for share, _ in rates}):
        positives = np.concatenate([rates[share, gain]["positives"] for gain in _gains(rates)])
        low, high = np.quantile(positives, [0.1, 0.9])
        for champion in ("sound", "faulty"):
            told = [np.mean(rates[share, gain][champion]) for gain in _gains(rates)]
            out(
                f"{share:8.0%}  {positives.mean():6.1f} ({low:3.0f}-{high:3.0f})     {champion:9}"
                + "".join(f"{each:9.3f}" for each in told)
                + "\n"
            )


def _gains(rates: dict[tuple[float, float | str], dict[str, list[float]]]) -> list[float | str]:
    return list(dict.fromkeys(gain for _, gain in rates))


if __name__ == "__main__":
    main()
