"""What an arm's entities have come to by a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from ucu_mlops.experiments.sequential import Sample


@dataclass(frozen=True)
class Arm:
    """What one variant's entities came to, as known at the end of a day.

    Attributes:
        entities: That have entered.
        cases: Of them, that were flagged on their first day.
        failed: Of them, that got an error on their first day.
        latency: Their mean latency (ms) on their first day.
        confirmed: Of those whose time is over, that were flagged and confirmed.
    """

    entities: int
    cases: Sample
    failed: Sample
    latency: Sample
    confirmed: Sample


def arm_of(arms: pd.DataFrame, variant: str, day: date, maturity_days: int) -> Arm:
    """Sum up what is known of a variant at the end of a day.

    Args:
        arms: As ``ucu_mlops.experiments.counting`` gives it.
        variant: The variant.
        day: The day.
        maturity_days: Days, the first one counted, until an entity's outcome is settled.
    """
    mine = arms[arms["variant"] == variant]
    entered = mine[mine["day"] <= day]
    settled = mine[mine["day"] <= day - timedelta(days=maturity_days - 1)]
    n = float(entered["entities"].sum())
    sums = entered[["latency", "latency_squares"]].sum()
    return Arm(
        entities=int(n),
        cases=_yes(n, entered["cases"]),
        failed=_yes(n, entered["failed"]),
        latency=Sample(n, float(sums["latency"]), float(sums["latency_squares"])),
        confirmed=_yes(float(settled["entities"].sum()), settled["confirmed"]),
    )


def _yes(n: float, counts: Iterable[int]) -> Sample:
    """Give the sample of a quantity that is 0 or 1: its squares are itself."""
    total = float(sum(counts))
    return Sample(n, total, total)
