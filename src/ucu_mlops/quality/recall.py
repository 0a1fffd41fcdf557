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
from scipy.stats import norm

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.quality.weighted_count import weighted_count

LOOK_COLUMNS = (
    *("entity_id", "as_of", "propensity", "is_violation", "decided_at"),
    *("second_is_violation", "second_propensity"),
)
LEAST_DECIDED = 0.5


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


@dataclass(frozen=True)
class Errors:
    """How often moderators err.

    Attributes:
        confirming: Share of harmless users who are confirmed at one look.
        dismissing: Share of violations that are dismissed at one look.
        confirming_variance: How uncertain the first is.
        dismissing_variance: How uncertain the second is.
    """

    confirming: float
    dismissing: float
    confirming_variance: float
    dismissing_variance: float


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
    errors = _errors(window)
    barred = _barred_days(rows, start, end, dismissed_days)
    return said | _estimate(window, errors, barred, options.level)


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
            "again": second.fillna(value=False).astype(bool),
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
    explored = window[window["explored"]]
    confirmed = explored[explored["yes"]]
    if window.empty:
        return "no day with cases has matured"
    if explored.empty:
        return "nothing was explored: what the queue missed is unknown"
    for name, cases in (("explored", explored), ("other", window[~window["explored"]])):
        if len(cases) and cases["decided"].mean() < LEAST_DECIDED:
            return f"{int((~cases['decided']).sum())} of {len(cases)} {name} cases are undecided"
    if confirmed.empty:
        return f"none of {len(explored)} explored cases was confirmed"
    if confirmed["paired"].mean() < LEAST_DECIDED:
        return (
            f"only {int(confirmed['paired'].sum())} of {len(confirmed)} explored confirmations "
            "were looked at again: wrong ones would be taken for hundreds of violations"
        )
    if not (confirmed["yes"] & confirmed["again"]).any():
        return f"none of {len(confirmed)} explored confirmations was upheld"
    if not (window["yes"] & ~window["explored"]).any():
        return "the queue found no violation"
    return None


def _errors(window: pd.DataFrame) -> Errors:
    """Estimate both kinds of error from disagreements, half of which are each look's.

    Nearly all the explored are harmless, so their overruled confirmations tell how often the
    harmless are confirmed; what the sure cases disagree more than that are dismissed violations.
    """
    explored = window[window["explored"] & window["decided"]]
    confirmed = explored[explored["yes"]]
    overruled = (confirmed["paired"] & ~confirmed["again"]).sum() / confirmed["paired"].mean()
    confirming = overruled / len(explored)
    confirming_variance = max(overruled, 1.0) / len(explored) ** 2
    sure = window[~window["explored"] & window["decided"]]
    pairs = sure[sure["paired"]]
    found = max(float(sure["yes"].sum()) - confirming * len(sure), 1.0)
    if pairs.empty:  # take both kinds for equally frequent
        return Errors(confirming, confirming, confirming_variance, confirming_variance)
    weights = pairs["pair_weight"] * len(sure) / pairs["pair_weight"].sum()
    disagreed = float(weights[pairs["yes"] != pairs["again"]].sum())
    wrong = disagreed / 2 - (len(sure) - found) * confirming
    return Errors(
        float(confirming),
        float(np.clip(wrong / found, 0.0, LEAST_DECIDED)),
        float(confirming_variance),
        float(max(disagreed, weights.mean()) * weights.mean() / 4 / found**2),
    )


def _barred_days(rows: pd.DataFrame, start: date, end: date, dismissed_days: int) -> float:
    """Count the days of the window on which each dismissed sure case was left alone, on average."""
    dismissed = rows[rows["decided"] & ~rows["yes"] & ~rows["explored"]]
    since = dismissed["decided_at"].dt.tz_localize(None).dt.normalize()
    until = since + pd.Timedelta(days=dismissed_days - 1)
    first, last = since.clip(lower=pd.Timestamp(start)), until.clip(upper=pd.Timestamp(end))
    days = ((last - first).dt.days + 1).clip(lower=0)
    inside = dismissed["day"].between(pd.Timestamp(start), pd.Timestamp(end))
    return float(days.sum() / max(inside.sum(), 1))


def _estimate(
    window: pd.DataFrame, errors: Errors, barred_days: float, level: float
) -> dict[str, Any]:
    """Correct both counts, and put the interval around the log-odds of recall.

    References:
        Rogan and Gladen (1978), "Estimating prevalence from the results of a screening test",
        doi:10.1093/oxfordjournals.aje.a112510 (the corrections). Donner and Zou (2012),
        "Closed-form confidence intervals for functions of the normal mean and standard deviation",
        doi:10.1177/0962280210383082 (limits of a difference from the limits of its parts).
    """
    wrong_yes, wrong_no = errors.confirming, errors.dismissing
    sure, explored = window[~window["explored"]], window[window["explored"]]
    n_decided = int(sure["decided"].sum())
    rescale = len(sure) / n_decided
    raw = float(sure["yes"].sum())
    found = max((raw - wrong_yes * n_decided) / (1 - wrong_yes - wrong_no), 0.5) * rescale

    confirmed = explored[explored["yes"]]
    upheld = confirmed[confirmed["again"] & confirmed["paired"]]
    share = (1 - wrong_no) ** 2 - wrong_yes**2
    seen = confirmed["paired"].mean() * explored["decided"].mean()
    weights = explored["weight"].to_numpy()
    noise = wrong_yes**2 * float(explored.loc[explored["decided"], "weight"].sum())
    total = weighted_count(upheld["weight"].to_numpy(), float(weights.mean()), level)
    floor = 0.5 * float(upheld["weight"].min())
    missed = [max(each - noise, floor if i else 1.0) / share / seen for i, each in enumerate(total)]
    left_alone = wrong_no * found * barred_days
    by_luck = len(upheld) / share / seen
    low, mid, high = (max(each - by_luck, 1.0) + left_alone for each in missed)
    reached = found + by_luck
    relative = (
        errors.confirming_variance * n_decided**2 + wrong_yes * n_decided
    ) / max(raw - wrong_yes * n_decided, 1.0) ** 2 + errors.dismissing_variance
    half = float(norm.ppf((1 + level) / 2)) * np.sqrt(relative)
    log_odds = np.log(reached / mid)
    ends = (
        log_odds - np.hypot(half, np.log(high / mid)),
        log_odds,
        log_odds + np.hypot(half, np.log(mid / low)),
    )
    lower, estimate, upper = (float(1 / (1 + np.exp(-each))) for each in ends)
    return {
        "estimate": estimate,
        "low": lower,
        "high": upper,
        "errors": {"confirming": wrong_yes, "dismissing": wrong_no},
        "reason": None,
    }
