"""Whether moderators still agree with the model as often as in its first days."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
from scipy.stats import fisher_exact

from ucu_mlops.errors import ConfigurationError, SchemaError

OUTCOME_NEEDS = ("as_of", "source", "version", "is_violation", "decided_at")


@dataclass(frozen=True)
class OutcomeOptions:
    """Which cases are compared, and how much worse is worse.

    Attributes:
        window_days: Days of cases whose precision is tested.
        maturity_days: Days after which a case's verdict is expected; younger cases do not count,
            whoever decided them early.
        settle_days: First days of a version that do not count: it empties the stock of scammers
            that its predecessor missed.
        baseline_days: Days after those that tell its usual precision.
        min_decided: Decided cases that baseline and window each need.
        ratio: Share of the usual precision below which it is worse.
        significance: One-sided probability of so few violations by chance, below which it counts.
    """

    window_days: int = 7
    maturity_days: int = 3
    settle_days: int = 5
    baseline_days: int = 14
    min_decided: int = 60
    ratio: float = 0.7
    significance: float = 0.001

    def __post_init__(self) -> None:
        """Refuse windows without days and shares outside 0..1."""
        for name in ("window_days", "baseline_days", "min_decided"):
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"outcome.{name} must be at least 1, got {getattr(self, name)}"
                )
        for name in ("maturity_days", "settle_days"):
            if getattr(self, name) < 0:
                raise ConfigurationError(
                    f"outcome.{name} must be 0 or more, got {getattr(self, name)}"
                )
        for name in ("ratio", "significance"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigurationError(
                    f"outcome.{name} must be above 0 and at most 1, got {getattr(self, name)}"
                )


def queue_precision(cases: pd.DataFrame, as_of: date, options: OutcomeOptions) -> dict[str, Any]:
    """Test whether the champion's queue finds fewer violations than it used to.

    Both precisions are estimates, so the test is Fisher's exact one and not a binomial test
    against the baseline as if that were known. Explored, reported and repeated cases do not
    count: the model did not ask for them.

    Args:
        cases: One row per first-look case of a model. Needs ``as_of`` (date), ``source``,
            ``version``, ``is_violation`` (boolean, null while open) and ``decided_at``
            (timestamp, UTC). Cases and verdicts after ``as_of`` are ignored.
        as_of: The day, meaning its end.
        options: Which cases are compared.

    Returns:
        A JSON object: ``version``, ``baseline`` and ``window`` (each ``decided``, ``violations``
        and ``precision``, null without cases), ``p_value`` (null where there is too little) and
        ``state`` (``quiet``, ``drift`` or ``too few``).

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(OUTCOME_NEEDS) - set(cases.columns)):
        raise SchemaError(f"outcome needs {missing}; got {list(cases.columns)}")
    days = pd.to_datetime(cases["as_of"])
    today = pd.Timestamp(as_of)
    asked = cases.assign(day=days)[cases["source"].eq("model") & days.le(today)]
    if asked.empty:
        return {"version": None, "state": "too few"}
    version = asked.sort_values("day", kind="stable")["version"].iloc[-1]
    own = asked[asked["version"].eq(version)]
    known = pd.to_datetime(own["decided_at"], utc=True).lt(today.tz_localize("UTC") + _days(1))
    decided = own[own["is_violation"].notna() & known]
    last = today - _days(options.maturity_days)
    window_from = last - _days(options.window_days - 1)
    baseline_from = own["day"].min() + _days(options.settle_days)
    baseline_to = min(baseline_from + _days(options.baseline_days), window_from) - _days(1)
    baseline = _precision(decided[decided["day"].between(baseline_from, baseline_to)])
    window = _precision(decided[decided["day"].between(window_from, last)])
    return {"version": str(version), "baseline": baseline, "window": window} | _test(
        baseline, window, options
    )


def _days(number: int) -> timedelta:
    return timedelta(days=number)


def _precision(decided: pd.DataFrame) -> dict[str, Any]:
    violations = int(decided["is_violation"].astype("boolean").sum())
    precision = violations / len(decided) if len(decided) else None
    return {"decided": len(decided), "violations": violations, "precision": precision}


def _test(
    baseline: dict[str, Any], window: dict[str, Any], options: OutcomeOptions
) -> dict[str, Any]:
    if min(baseline["decided"], window["decided"]) < options.min_decided:
        return {"p_value": None, "state": "too few"}
    table = [
        [side["violations"], side["decided"] - side["violations"]] for side in (window, baseline)
    ]
    p_value = float(fisher_exact(table, alternative="less").pvalue)
    worse = window["precision"] < options.ratio * baseline["precision"]
    drifted = worse and p_value < options.significance
    return {"p_value": p_value, "state": "drift" if drifted else "quiet"}
