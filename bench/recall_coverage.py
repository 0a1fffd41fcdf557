"""Measure how often the estimated recall's interval holds the truth, and how wide it is.

::

    python -m bench.recall_coverage --seeds 50 --results coverage.jsonl
    python -m bench.recall_coverage --honest 20835 --scammers 65 --joining 6   # worked off

Each seed is a platform of scores (:mod:`bench.scored_platform`) with the real queue, verdicts and
moderators, and so many disjoint windows; with ``--results`` a measurement that was stopped goes on.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from bench.scored_platform import START, World, looks, play
from ucu_mlops.loop.figures import day_figures
from ucu_mlops.quality.recall import RecallOptions, estimate_recall
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.verdicts import counted_verdicts, paired_looks
from ucu_mlops.simulation.moderators import ModeratorOptions

SETTLING_DAYS = 12  # until confirmations, second looks and dismissals are under way


def windows(
    world: World, review: ReviewOptions, error_rate: float, n: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Play one platform and give each window's truth beside what was estimated.

    Args:
        world: Who is there.
        review: How the queue is divided.
        error_rate: Share of the moderators' decisions that are wrong.
        n: How many disjoint windows.
        seed: Of the platform and of all draws.
    """
    options = RecallOptions()
    days = SETTLING_DAYS + n * options.window_days + options.maturity_days
    moderators = ModeratorOptions(capacity=review.capacity, error_rate=error_rate)
    cases, verdicts, population, truth = play(world, review, moderators, days, seed)
    last = START + timedelta(days=days - 1)
    counted = looks(cases, verdicts, counted_verdicts, last)
    figures = day_figures(
        *(_dated(each) for each in (cases, counted)), _dated(population), truth
    ).set_index("as_of")
    for number in range(n):
        first = START + timedelta(days=SETTLING_DAYS + number * options.window_days)
        end = first + timedelta(days=options.window_days - 1)
        as_of = end + timedelta(days=options.maturity_days)
        inside = figures.loc[pd.Timestamp(first) : pd.Timestamp(end)]
        paired = looks(cases, verdicts, paired_looks, as_of)
        found = estimate_recall(paired, as_of, review.dismissed_days, options)
        true = inside["caught"].sum() / inside["reachable"].sum()
        reachable = float(inside["reachable"].mean())
        yield found | {"seed": seed, "truth": float(true), "reachable": reachable}


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(as_of=pd.to_datetime(rows["as_of"]))


def summary(found: Sequence[dict[str, Any]]) -> str:
    """Say in a few lines how far the estimates can be trusted."""
    rows = pd.DataFrame(found)
    known = rows.dropna(subset="estimate")
    held = known["truth"].between(known["low"], known["high"])
    low, high = _binomial_limits(int(held.sum()), len(held))
    positives = pd.DataFrame(rows["n"].tolist())["explored_upheld"]
    lines = [
        f"{len(rows)} windows, {len(rows) - len(known)} without an estimate",
        (
            f"a day {rows['reachable'].mean():.0f} violations reachable, in a window "
            f"{positives.mean():.1f} explored ones upheld"
        ),
        f"90 % interval holds the truth in {held.mean():.3f} ({low:.3f} to {high:.3f})",
        (
            f"truth below it {(known['truth'] < known['low']).mean():.3f}, above "
            f"{(known['truth'] > known['high']).mean():.3f}"
        ),
        f"mean width {(known['high'] - known['low']).mean():.3f}",
        f"recall: truth {rows['truth'].mean():.3f}",
    ]
    for name in ("estimate", "uncorrected", "naive"):
        bias = (rows[name].astype(float) - rows["truth"]).dropna()
        lines.append(
            f"  {name}: mean {rows[name].astype(float).mean():.3f}, median "
            f"{rows[name].astype(float).median():.3f}, bias {bias.mean():+.3f}"
        )
    return "\n".join(lines)


def _binomial_limits(hits: int, n: int) -> tuple[float, float]:
    """Give Clopper and Pearson's 95 % limits of a share."""
    low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, remember and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.recall_coverage", description=__doc__)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--error-rate", type=float, default=0.01)
    parser.add_argument("--exploration-share", type=float, default=ReviewOptions.exploration_share)
    parser.add_argument("--report-share", type=float, default=ReviewOptions.report_share)
    parser.add_argument("--results", type=Path, help="file of JSON lines to add to")
    for each in fields(World):
        name = f"--{each.name.replace('_', '-')}"
        parser.add_argument(name, type=type(each.default), default=each.default)
    asked = parser.parse_args(given)
    world = World(**{each.name: getattr(asked, each.name) for each in fields(World)})
    review = ReviewOptions(
        exploration_share=asked.exploration_share, report_share=asked.report_share
    )
    found = _read(asked.results)
    done = {each["seed"] for each in found}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        if seed in done:
            continue
        made = list(windows(world, review, asked.error_rate, asked.windows, seed))
        found += made
        if asked.results:
            with asked.results.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(each, default=np.generic.item) + "\n" for each in made)
    print(summary(found))  # noqa: T201 (what the command is for)


def _read(results: Path | None) -> list[dict[str, Any]]:
    if results is None or not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
