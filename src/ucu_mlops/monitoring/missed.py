"""Whether users report more violations that the model did not ask for than they used to.

A new kind of violation moves few features and leaves the queue's precision as it was: the model
goes on finding the old kinds. What it misses shows first in the reports.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
from scipy.stats import fisher_exact

from ucu_mlops.errors import SchemaError
from ucu_mlops.quality.checks import COUNT, SOME_SHARE, Allowed, check_numbers

MISSED_NEEDS = ("source", "is_violation", "decided_at")

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class MissedOptions:
    """Which verdicts are compared, and how many more is more.

    Attributes:
        window_days: Days of verdicts that are tested.
        baseline_days: Days before those that tell what is usual, at most.
        min_decided: Verdicts that baseline and window each need.
        rise: How many times the usual share of violations counts as more.
        significance: One-sided probability of so many by chance, below which it counts.
    """

    window_days: int = 7
    baseline_days: int = 28
    min_decided: int = 40
    rise: float = 2.0
    significance: float = 0.001

    def __post_init__(self) -> None:
        """Refuse windows without days, and a rise that is none."""
        check_numbers(
            self,
            "decision.outcome.missed",
            FILE,
            window_days=COUNT,
            baseline_days=COUNT,
            min_decided=COUNT,
            rise=Allowed(least=1),
            significance=SOME_SHARE,
        )


def missed_reports(cases: pd.DataFrame, as_of: date, options: MissedOptions) -> dict[str, Any]:
    """Test whether reported users whom the model did not ask for are confirmed more often.

    Verdicts are taken by the day on which they were given, so that the last ones count at once;
    both shares are estimates, so the test is Fisher's exact one.

    Args:
        cases: One row per first-look case of the model, of any version: what the last training did
            not win back is still missed. Needs ``source``, ``is_violation``
            (boolean, null while open) and ``decided_at`` (timestamp, UTC). Verdicts after
            ``as_of`` are ignored.
        as_of: The day, meaning its end.
        options: Which verdicts are compared.

    Returns:
        A JSON object: ``baseline`` and ``window`` (each ``decided``, ``violations`` and
        ``precision``, null without verdicts), ``p_value`` (null where there is too little) and
        ``state`` (``quiet``, ``drift`` or ``too few``).

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(MISSED_NEEDS) - set(cases.columns)):
        raise SchemaError(f"missed reports need {missing}; got {list(cases.columns)}")
    end = pd.Timestamp(as_of, tz="UTC") + timedelta(days=1)
    middle = end - timedelta(days=options.window_days)
    start = middle - timedelta(days=options.baseline_days)
    reported = cases[cases["source"].eq("report") & cases["is_violation"].notna()]
    when = pd.to_datetime(reported["decided_at"], utc=True)
    window = _share(reported[when.ge(middle) & when.lt(end)])
    baseline = _share(reported[when.ge(start) & when.lt(middle)])
    told = {"baseline": baseline, "window": window}
    if min(window["decided"], baseline["decided"]) < options.min_decided:
        return told | {"p_value": None, "state": "too few"}
    table = [
        [side["violations"], side["decided"] - side["violations"]] for side in (window, baseline)
    ]
    p_value = float(fisher_exact(table, alternative="greater").pvalue)
    more = window["precision"] >= options.rise * baseline["precision"]
    state = "drift" if more and p_value < options.significance else "quiet"
    return told | {"p_value": p_value, "state": state}


def missed_growth(
    cases: pd.DataFrame, as_of: date, since: date | None, options: MissedOptions
) -> dict[str, int]:
    """Count what the last training knew of the violations that reports find, and what came since.

    Args:
        cases: As for :func:`missed_reports`.
        as_of: The day, meaning its end.
        since: Day of the last training; None counts nothing.
        options: ``window_days`` up to the training are those that it knew it by.

    Returns:
        A JSON object: ``known`` and ``new``, violations by the day on which they were confirmed.
    """
    if since is None:
        return {"known": 0, "new": 0}
    end, learnt = (pd.Timestamp(day, tz="UTC") + timedelta(days=1) for day in (as_of, since))
    violations = cases["source"].eq("report") & cases["is_violation"].astype("boolean")
    when = pd.to_datetime(cases[violations.fillna(False)]["decided_at"], utc=True)
    known = when.ge(learnt - timedelta(days=options.window_days)) & when.lt(learnt)
    return {"known": int(known.sum()), "new": int((when.ge(learnt) & when.lt(end)).sum())}


def _share(decided: pd.DataFrame) -> dict[str, Any]:
    violations = int(decided["is_violation"].astype("boolean").sum())
    precision = violations / len(decided) if len(decided) else None
    return {"decided": len(decided), "violations": violations, "precision": precision}
