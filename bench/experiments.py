"""How often looking daily finds what is not there: simulated experiments, judged every day.

::

    python -m bench.experiments

A/A tests, in which both arms get the same version, with a ramp, verdicts that take two weeks and
1 % of the users to be confirmed: false wins and losses by the verdict as it ships, beside the usual
z-test looked at daily; and experiments with a true effect: how many are won, after how many days.
"""

from argparse import ArgumentParser
from datetime import date, timedelta
from math import sqrt

import numpy as np
import pandas as pd
from scipy.stats import beta

from ucu_mlops.experiments.arms import arm_of
from ucu_mlops.experiments.definition import Experiment
from ucu_mlops.experiments.verdict import MIN_CONFIRMED, judge_variant

FIRST, DAYS, MATURITY = date(2026, 4, 1), 60, 14
PER_DAY = 1_000  # users who come for the first time, once all take part
FLAGGED, CONFIRMED = 0.02, 0.01
LATENCY_MS, SPREAD_MS = 5.0, 2.0
CONFIDENCE, Z = 0.95, 1.96
EXPERIMENT = Experiment(
    name="simulated",
    model="scam",
    variants={"control": "champion", "candidate": "2"},
    ramp={FIRST: 0.2, FIRST + timedelta(days=4): 1.0},
    maturity_days=MATURITY,
)


def draw(seed: int, lift: float = 1.0, share: float = 0.5) -> pd.DataFrame:
    """Draw what the arms come to, as the warehouse would count it.

    Args:
        seed: Of this experiment.
        lift: How many times the control's cases the candidate finds.
        share: Share of the users that in truth get the candidate.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        entered = rng.binomial(PER_DAY, EXPERIMENT.exposure(day))
        ours = rng.binomial(entered, share)
        for variant, n, factor in (("control", entered - ours, 1.0), ("candidate", ours, lift)):
            cases = rng.binomial(n, FLAGGED)
            confirmed = rng.binomial(cases, min(CONFIRMED * factor / FLAGGED, 1.0))
            latency = rng.normal(LATENCY_MS, SPREAD_MS, n)
            failed = rng.binomial(n, 0.001)
            sums = latency.sum(), (latency**2).sum()
            rows.append((variant, day, n, cases, failed, confirmed, *sums))
    names = ("entities", "cases", "failed", "confirmed", "latency", "latency_squares")
    return pd.DataFrame(rows, columns=["variant", "day", *names])


def naive(arms: pd.DataFrame) -> bool:
    """Tell whether a z-test at 5 %, looked at daily, ever finds a difference."""
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        ours, theirs = (
            arm_of(arms, name, day, MATURITY).confirmed for name in ("candidate", "control")
        )
        if ours.total + theirs.total < MIN_CONFIRMED:
            continue
        spread = sqrt(ours.variance_of_mean + theirs.variance_of_mean)
        if abs(ours.mean - theirs.mean) > Z * spread:
            return True
    return False


def upper(found: int, of: int) -> float:
    """Bound a rate from above (Clopper and Pearson, 95 %)."""
    return 1.0 if found == of else float(beta.ppf(CONFIDENCE, found + 1, of - found))


def main() -> None:
    """Simulate and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1_000)
    parser.add_argument("--effects", type=int, default=200, help="experiments per true effect")
    asked = parser.parse_args()
    last = FIRST + timedelta(days=DAYS - 1)
    counts = dict.fromkeys(("win", "loss", "guardrail", "invalid", "undecided", "naive"), 0)
    for seed in range(asked.tests):
        arms = draw(seed)
        counts[judge_variant(arms, EXPERIMENT, "candidate", last)["verdict"]] += 1
        counts["naive"] += naive(arms)
    wrong = counts["win"] + counts["loss"]
    for name, found in (
        ("false wins and losses", wrong),
        ("guardrails breached", counts["guardrail"]),
        ("sample ratios refused", counts["invalid"]),
        ("found by a daily z-test", counts["naive"]),
    ):
        bound = upper(found, asked.tests)
        print(f"A/A, {name}: {found} of {asked.tests}, at most {bound:.1%} (95 %)")  # noqa: T201
    for lift in (1.2, 1.35, 1.5):
        reports = [
            judge_variant(draw(seed, lift), EXPERIMENT, "candidate", last)
            for seed in range(10_000, 10_000 + asked.effects)
        ]
        won = [
            (date.fromisoformat(each["since"]) - FIRST).days
            for each in reports
            if each["verdict"] == "win"
        ]
        after = f"after {np.median(won):.0f} days (median)" if won else ""
        print(f"{lift - 1:+.0%} confirmed: {len(won)} of {asked.effects} won {after}")  # noqa: T201
    dealt = [
        judge_variant(draw(seed, share=0.47), EXPERIMENT, "candidate", last)["verdict"]
        for seed in range(20_000, 20_000 + asked.effects)
    ]
    found = dealt.count("invalid")
    print(f"47 % dealt instead of 50: {found} of {asked.effects} refused")  # noqa: T201


if __name__ == "__main__":
    main()
