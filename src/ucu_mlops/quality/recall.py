"""What share of the violations that could be reached was reached, estimated from exploration.

::

    sure cases ──▶ found, less wrong confirmations ─────────────────────┐
    explored cases, confirmed twice ──▶ 1 / propensity ──▶ missed ──────┼─▶ recall, interval
    wrong dismissals ──▶ left alone for days though they violate ───────┘
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.quality.agreement import ErrorRates, error_rates
from ucu_mlops.quality.bootstrap import Interval
from ucu_mlops.quality.weighted_count import weighted_count

LOOK_COLUMNS = (
    *("entity_id", "as_of", "propensity", "is_violation", "decided_at"),
    *("second_is_violation", "second_propensity"),
)
LEAST_SHARE = 0.5  # of the cases that must be decided, of explored confirmations looked at again
LEAST_COUNT = 0.5  # what a corrected count cannot fall below


@dataclass(frozen=True)
class RecallOptions:
    """Which days are estimated.

    Attributes:
        window_days: How many days.
        maturity_days: Days after which first and second looks are expected to be decided.
        level: Share of intervals that hold the truth.
    """

    window_days: int = 28
    maturity_days: int = 7
    level: float = 0.9

    def __post_init__(self) -> None:
        """Refuse no days and a level outside 0..1."""
        if self.window_days < 1 or self.maturity_days < 0 or not 0 < self.level < 1:
            raise ConfigurationError(
                "recall: window_days must be at least 1, maturity_days 0 or more and level between "
                f"0 and 1, got {self.window_days}, {self.maturity_days}, {self.level}"
            )


def estimate_recall(
    looks: pd.DataFrame, as_of: date, dismissed_days: int, options: RecallOptions
) -> dict[str, Any]:
    """Estimate recall over the last matured days, corrected for moderators' errors.

    Recall is the sum over the days of the violations among the day's cases, by the sum of those
    active and neither confirmed nor waiting for a verdict. Cases of propensity 1 are known; what
    the queue missed is told by the explored cases that two moderators confirmed, each counting
    1 / propensity: one wrong confirmation among them would be taken for hundreds of violations.
    How often moderators err is told by how often two of them disagree.

    Args:
        looks: One row per first look, as :func:`ucu_mlops.review.verdicts.paired_looks` gives
            them: ``entity_id``, ``as_of`` (date), ``propensity`` (0..1], ``is_violation`` (null
            while undecided), ``decided_at`` (timestamp, UTC), ``second_is_violation`` (null
            without a second verdict) and ``second_propensity``.
        as_of: The day at whose end the estimate is made.
        dismissed_days: Days for which a dismissed user is not queued again.
        options: Which days are estimated.

    Returns:
        A JSON object: ``estimate``, ``low`` and ``high`` (null with a ``reason`` where there is too
        little to go on), ``naive`` (as if the decided cases were everybody), ``uncorrected``
        (without the correction for errors), ``level``, ``window`` (``start``, ``end``), ``n``
        (cases by what came of them) and ``errors`` (estimated, each way).

    Raises:
        SchemaError: A column is missing.
        DataError: A propensity is missing or outside (0, 1].
    """
    if missing := sorted(set(LOOK_COLUMNS) - set(looks.columns)):
        raise SchemaError(f"recall needs {missing}; got {list(looks.columns)}")
    if wrong := int((~looks["propensity"].between(0, 1, inclusive="right")).sum()):
        raise DataError(
            f"recall: propensity is missing or outside (0, 1] in {wrong} cases; log it with the "
            "draw"
        )
    end = as_of - timedelta(days=options.maturity_days)
    start = end - timedelta(days=options.window_days - 1)
    rows = _prepared(looks)
    window = rows[rows["day"].between(pd.Timestamp(start), pd.Timestamp(end))]
    said: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "window": {"start": start.isoformat(), "end": end.isoformat()},
        "level": options.level,
        "estimate": None,
        "low": None,
        "high": None,
        "n": _counts(window),
    }
    said |= _simpler(window)
    if reason := _too_little(window):
        return said | {"errors": None, "reason": reason}
    rates = error_rates(window[window["decided"]])
    barred = _barred_days(rows, start, end, dismissed_days)
    return said | _estimate(window, rates, barred, options.level)


def _prepared(looks: pd.DataFrame) -> pd.DataFrame:
    first = looks["is_violation"].astype("boolean")
    second = looks["second_is_violation"].astype("boolean")
    return pd.DataFrame(
        {
            "entity_id": looks["entity_id"],
            "day": pd.to_datetime(looks["as_of"]),
            "decided_at": pd.to_datetime(looks["decided_at"], utc=True),
            "weight": 1 / looks["propensity"].astype("float64"),
            "explored": looks["propensity"].lt(1),
            "decided": first.notna(),
            "yes": first.fillna(value=False).astype(bool),
            "paired": first.notna() & second.notna(),
            "again": (first.notna() & second).fillna(value=False).astype(bool),
            "pair_weight": 1 / looks["second_propensity"].astype("float64"),
        }
    )


def _counts(window: pd.DataFrame) -> dict[str, int]:
    explored = window[window["explored"]]
    return {
        "cases": len(window),
        "undecided": int((~window["decided"]).sum()),
        "confirmed": int(window["yes"].sum()),
        "explored": len(explored),
        "explored_confirmed": int(explored["yes"].sum()),
        "explored_upheld": int((explored["yes"] & explored["again"]).sum()),
        "second_looks": int(window["paired"].sum()),
        "disagreements": int((window["paired"] & (window["yes"] != window["again"])).sum()),
    }


def _simpler(window: pd.DataFrame) -> dict[str, float | None]:
    """Give the figures that the corrected estimate is better than."""
    yes = window[window["yes"]]
    found = int((~yes["explored"]).sum())
    everybody = float(yes["weight"].sum())
    return {
        "naive": found / len(yes) if len(yes) else None,
        "uncorrected": len(yes) / everybody if everybody else None,
    }


def _too_little(window: pd.DataFrame) -> str | None:
    """Say why there is no estimate, or nothing."""
    explored, sure = window[window["explored"]], window[~window["explored"]]
    confirmed = explored[explored["yes"]]
    undecided = int((~window["decided"]).sum())
    looked_again = int(confirmed["paired"].sum())
    decided = min(explored["decided"].mean(), sure["decided"].mean())
    reasons = (
        (window.empty, "no day with cases has matured"),
        (explored.empty, "nothing was explored: what the queue missed is unknown"),
        (decided < LEAST_SHARE, f"{undecided} of {len(window)} cases are undecided"),
        (not sure["yes"].any(), "the queue found no violation"),
        (confirmed.empty, f"none of {len(explored)} explored cases was confirmed"),
        (
            looked_again < LEAST_SHARE * len(confirmed),
            f"only {looked_again} of {len(confirmed)} explored confirmations were looked at again",
        ),
        (
            not confirmed["again"].any(),
            f"none of {len(confirmed)} explored confirmations was upheld",
        ),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _estimate(
    window: pd.DataFrame, rates: ErrorRates, barred_days: float, level: float
) -> dict[str, Any]:
    """Correct both counts, and put the interval around the log-odds of recall.

    References:
        Rogan and Gladen (1978), "Estimating prevalence from the results of a screening test",
        doi:10.1093/oxfordjournals.aje.a112510 (the corrections). Zou and Donner (2008),
        "Construction of confidence limits about effect measures: a general approach",
        doi:10.1002/sim.3095 (limits of a difference from the limits of its parts).
    """
    found, found_variance = _found(window[~window["explored"]], rates)
    lucky, everybody = _explored(window[window["explored"]], rates, level)
    left_alone = rates.dismissing * found * barred_days
    missed = [max(each - lucky, LEAST_COUNT) + left_alone for each in everybody]
    log_odds = np.log((found + lucky) / np.array(missed))
    half = float(norm.ppf((1 + level) / 2)) * np.sqrt(found_variance) / found
    high, estimate, low = log_odds
    ends = estimate - np.hypot(half, estimate - low), estimate + np.hypot(half, high - estimate)
    return {
        "estimate": float(expit(estimate)),
        "low": float(expit(ends[0])),
        "high": float(expit(ends[1])),
        "errors": {"confirming": rates.confirming, "dismissing": rates.dismissing},
        "reason": None,
    }


def _found(sure: pd.DataFrame, rates: ErrorRates) -> tuple[float, float]:
    """Count the violations among cases that were chosen for sure, and how uncertain that is."""
    n, confirmed = int(sure["decided"].sum()), float(sure["yes"].sum())
    share = 1 - rates.confirming - rates.dismissing
    found = max((confirmed - rates.confirming * n) / share, LEAST_COUNT)
    variance = n**2 * rates.confirming_variance + n * rates.confirming
    variance = variance / share**2 + found**2 * rates.dismissing_variance
    undecided = len(sure) / n
    return found * undecided, variance * undecided**2


def _explored(explored: pd.DataFrame, rates: ErrorRates, level: float) -> tuple[float, Interval]:
    """Count the violations drawn, and estimate those among everybody they were drawn from."""
    decided = explored[explored["decided"]]
    confirmed = decided[decided["yes"]]
    upheld = confirmed[confirmed["again"]]
    share = (1 - rates.dismissing) ** 2 - rates.confirming**2
    seen = share * confirmed["paired"].mean() * len(decided) / len(explored)
    confirmed_twice = rates.confirming**2 * float(decided["weight"].sum())
    mean_weight = float(explored["weight"].mean())
    total = weighted_count(upheld["weight"].to_numpy(), mean_weight, level)
    corrected = (max(each - confirmed_twice, len(upheld)) / seen for each in total)
    return len(upheld) / seen, Interval(*corrected)


def _barred_days(rows: pd.DataFrame, start: date, end: date, dismissed_days: int) -> float:
    """Count the days of the window on which a dismissed sure case was left alone, on average."""
    dismissed = rows[rows["decided"] & ~rows["yes"] & ~rows["explored"]]
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    since = dismissed["decided_at"].dt.tz_localize(None).dt.normalize()
    until = since + pd.Timedelta(days=dismissed_days - 1)
    days = (until.clip(upper=last) - since.clip(lower=first)).dt.days + 1
    inside = int(dismissed["day"].between(first, last).sum())
    return float(days.clip(lower=0).sum() / max(inside, 1))
