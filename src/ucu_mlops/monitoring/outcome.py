"""What came out of the queue: precision, calibration, the moderators, verdicts to learn from.

decided cases → precision against the version's first days, calibration; looks → moderators
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact, norm

from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.missed import MissedOptions, missed_growth, missed_reports
from ucu_mlops.monitoring.moderators import ModeratorOptions, moderators_of
from ucu_mlops.quality.checks import COUNT, COUNT_OR_NONE, SOME_SHARE, build_part, check_numbers

OUTCOME_NEEDS = ("as_of", "source", "version", "is_violation", "decided_at")
CASE_COLUMNS = (*OUTCOME_NEEDS, "label", "probability")
CALIBRATION_BINS = 5

FILE = "monitoring.yml"  # of conf/*/parameters/


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
        missed: Which verdicts tell whether the model misses more.
        moderators: Which verdicts tell whether the moderators changed.
    """

    window_days: int = 7
    maturity_days: int = 3
    settle_days: int = 5
    baseline_days: int = 14
    min_decided: int = 60
    ratio: float = 0.7
    significance: float = 0.001
    missed: MissedOptions = field(default_factory=MissedOptions)
    moderators: ModeratorOptions = field(default_factory=ModeratorOptions)

    def __post_init__(self) -> None:
        """Refuse windows without days and shares outside 0..1."""
        build_part(self, "decision.outcome", FILE, "missed", MissedOptions)
        build_part(self, "decision.outcome", FILE, "moderators", ModeratorOptions)
        check_numbers(
            self,
            "decision.outcome",
            FILE,
            window_days=COUNT,
            baseline_days=COUNT,
            min_decided=COUNT,
            maturity_days=COUNT_OR_NONE,
            settle_days=COUNT_OR_NONE,
            ratio=SOME_SHARE,
            significance=SOME_SHARE,
        )


def outcome_of(
    cases: pd.DataFrame,
    looks: pd.DataFrame,
    *,
    as_of: date,
    options: OutcomeOptions,
    version: str | None = None,
    since: date | None = None,
) -> dict[str, Any]:
    """Tell what came out of the model's queue up to a day.

    Args:
        cases: One row per first-look case of the model, of any version. Needs ``as_of`` (date),
            ``source``, ``version``, ``label``, ``probability`` (0..1), ``is_violation`` (boolean,
            null while open) and ``decided_at`` (timestamp, UTC): the verdict that counts.
        looks: One row per verdict on any look, as for
            :func:`ucu_mlops.monitoring.moderators.moderators_of`.
        as_of: The day, meaning its end; nothing later is used.
        options: Which cases and verdicts are compared.
        version: The champion's, whose cases tell precision and calibration; None is the version
            that asked last.
        since: Day of the last training; verdicts decided later are news to it. None: all are.

    Returns:
        A JSON object: ``queue_precision`` (:func:`label_precision`), ``missed``
        (:func:`ucu_mlops.monitoring.missed.missed_reports`), ``missed_growth``
        (:func:`ucu_mlops.monitoring.missed.missed_growth`), ``calibration``
        (:func:`calibration`), ``moderators``
        (:func:`ucu_mlops.monitoring.moderators.moderators_of`) and ``new_verdicts``
        (``decided`` and ``violations`` that the last training did not know).

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(CASE_COLUMNS) - set(cases.columns)):
        raise SchemaError(f"outcome needs {missing}; got {list(cases.columns)}")
    own = cases if version is None else cases[cases["version"].eq(version)]
    return {
        "queue_precision": label_precision(own, as_of, options),
        "missed": missed_reports(cases, as_of, options.missed),
        "missed_growth": missed_growth(cases, as_of, since, options.missed),
        "calibration": calibration(own, as_of, options),
        "moderators": moderators_of(looks, as_of, options.moderators),
        "new_verdicts": _new_verdicts(cases, as_of, since),
    }


def calibration(cases: pd.DataFrame, as_of: date, options: OutcomeOptions) -> dict[str, Any]:
    """Compare the probabilities of decided cases with what moderators found.

    Args:
        cases: As for :func:`outcome_of`, of one version.
        as_of: The day, meaning its end.
        options: ``window_days`` and ``maturity_days`` choose the cases.

    Returns:
        A JSON object: ``decided``, ``expected`` (sum of the probabilities), ``observed``
        (violations), ``error`` (mean distance of the two in up to five bins of equal counts, as
        shares), ``bins`` (``decided``, ``expected``, ``observed``), ``p_value`` (two-sided, of
        the sums) and ``state`` (``quiet``, ``drift`` or ``too few``). It is told, and no reason
        to train: a queue may be right in its order and wrong in its probabilities.
    """
    last = pd.Timestamp(as_of) - _days(options.maturity_days)
    rows = _decided(cases, as_of)
    rows = rows[rows["day"].between(last - _days(options.window_days - 1), last)]
    rows = rows[rows["probability"].notna()].sort_values("probability", kind="stable")
    found = rows["is_violation"].astype("boolean").to_numpy(dtype=np.float64)
    promised = rows["probability"].to_numpy(dtype=np.float64)
    told = {
        "decided": len(rows),
        "expected": float(promised.sum()),
        "observed": int(found.sum()),
    }
    if len(rows) < options.min_decided:
        return told | {"error": None, "bins": [], "p_value": None, "state": "too few"}
    parts = zip(
        np.array_split(promised, CALIBRATION_BINS),
        np.array_split(found, CALIBRATION_BINS),
        strict=True,
    )
    bins = [
        {"decided": len(ours), "expected": float(ours.sum()), "observed": int(theirs.sum())}
        for ours, theirs in parts
    ]
    error = sum(abs(each["expected"] - each["observed"]) for each in bins) / len(rows)
    variance = float((promised * (1 - promised)).sum())
    distance = abs(told["observed"] - told["expected"]) / np.sqrt(variance) if variance else 0.0
    p_value = float(2 * norm.sf(distance))
    state = "drift" if p_value < options.significance else "quiet"
    return told | {"error": float(error), "bins": bins, "p_value": p_value, "state": state}


def label_precision(cases: pd.DataFrame, as_of: date, options: OutcomeOptions) -> dict[str, Any]:
    """Test each label's queue by itself: the labels that hold would hide the one that does not.

    The probability of a false alarm is shared among the labels (Bonferroni).

    Args:
        cases: As for :func:`queue_precision`, and ``label``.
        as_of: The day, meaning its end.
        options: Which cases are compared.

    Returns:
        Of the label whose queue drifted or, if none or several did, whose fall is the least
        likely by chance: what :func:`queue_precision` gives, and ``label`` (null for a model of
        one label).
    """
    labels = sorted(cases["label"].dropna().unique())
    if len(labels) <= 1:
        return queue_precision(cases, as_of, options) | {"label": None}
    shared = replace(options, significance=options.significance / len(labels))
    tested = [
        queue_precision(cases[cases["label"].eq(label)], as_of, shared) | {"label": label}
        for label in labels
    ]
    return min(tested, key=_standing_out)


def _standing_out(tested: dict[str, Any]) -> tuple[bool, float]:
    p_value = tested.get("p_value")
    return tested["state"] != "drift", 1.0 if p_value is None else p_value


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
    decided = _decided(own, as_of)
    last = today - _days(options.maturity_days)
    window_from = last - _days(options.window_days - 1)
    baseline_from = own["day"].min() + _days(options.settle_days)
    baseline_to = min(baseline_from + _days(options.baseline_days), window_from) - _days(1)
    baseline = _precision(decided[decided["day"].between(baseline_from, baseline_to)])
    window = _precision(decided[decided["day"].between(window_from, last)])
    return {"version": str(version), "baseline": baseline, "window": window} | _test(
        baseline, window, options
    )


def _decided(cases: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Keep the cases decided by the end of ``as_of``, with their ``day``."""
    end = pd.Timestamp(as_of, tz="UTC") + _days(1)
    known = pd.to_datetime(cases["decided_at"], utc=True).lt(end)
    decided = cases[cases["is_violation"].notna() & known]
    return decided.assign(day=pd.to_datetime(decided["as_of"]))


def _new_verdicts(cases: pd.DataFrame, as_of: date, since: date | None) -> dict[str, int]:
    decided = _decided(cases, as_of)
    if since is not None:
        learnt = pd.Timestamp(since, tz="UTC") + _days(1)
        decided = decided[pd.to_datetime(decided["decided_at"], utc=True).ge(learnt)]
    violations = int(decided["is_violation"].astype("boolean").sum())
    return {"decided": len(decided), "violations": violations}


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
