"""Whether moderators decide as they did: how often they agree, how fast they are, who confirms.

verdicts with their cases → agreement on blind second looks, days to decision, confirm rates

When the world changes, all moderators confirm less alike and still agree about old cases; when the
moderators change, second looks overrule first ones, or some confirm unlike the others.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ucu_mlops.errors import SchemaError
from ucu_mlops.quality.checks import COUNT, INNER_SHARE, POSITIVE, check_numbers

LOOK_COLUMNS = (
    *("verdict_id", "case_id", "first_case_id", "as_of", "probability"),
    *("moderator_id", "is_violation", "decided_at"),
)
DAY = 86_400.0  # seconds
VOUCHING = 0.05  # probability of so few overruled confirmations, had the moderators changed
STRATA = 5  # of the scores, so that confirm rates are compared among cases as probable

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class ModeratorOptions:
    """Which verdicts are compared, and how unlike is too unlike.

    Attributes:
        window_days: Days of verdicts that are tested.
        baseline_days: Days before them that tell what was usual.
        min_looks: Second looks that baseline and window each need for a test.
        min_verdicts: Verdicts on first looks that they need, each moderator a quarter of them.
        slower_days: By how many days the median decision must come later to be called slower.
        significance: Probability of so much by chance, below which it counts.
    """

    window_days: int = 14
    baseline_days: int = 28
    min_looks: int = 10
    min_verdicts: int = 100
    slower_days: float = 1.0
    significance: float = 0.01

    def __post_init__(self) -> None:
        """Refuse windows without days and chances outside 0..1."""
        check_numbers(
            self,
            "decision.outcome.moderators",
            FILE,
            window_days=COUNT,
            baseline_days=COUNT,
            min_looks=COUNT,
            min_verdicts=COUNT,
            slower_days=POSITIVE,
            significance=INNER_SHARE,
        )


def moderators_of(looks: pd.DataFrame, as_of: date, options: ModeratorOptions) -> dict[str, Any]:
    """Compare how moderators decided lately with how they did before.

    Of several verdicts on a case the latest counts; one delivered twice counts once. A verdict
    belongs to the day it was decided on, however old its case.

    Args:
        looks: One row per verdict on any look. Needs ``verdict_id``, ``case_id``,
            ``first_case_id`` (null for first looks), ``as_of`` (date of the case), ``probability``
            (0..1), ``moderator_id``, ``is_violation`` (boolean) and ``decided_at`` (timestamp,
            UTC). Verdicts after ``as_of`` are ignored.
        as_of: The day, meaning its end.
        options: Which verdicts are compared.

    Returns:
        A JSON object: ``agreement``, ``confirming`` and ``speed``, each with ``baseline``,
        ``window``, ``p_value`` and ``state`` (``quiet``, ``drift`` or ``too few``), ``confirming``
        also with ``vouched``, whether second looks rule out that fewer are confirmed because the
        moderators turned strict;
        ``moderators`` (by id: ``decided``, ``confirmed``, ``confirm_rate``, ``expected_rate`` of
        the others on cases as probable, ``second_looks``, ``agreed`` in the window);
        ``unlike_others`` (ids); and ``state``, ``drift`` when agreement fell or some have become
        unlike the others.

    Raises:
        SchemaError: A column is missing.

    References:
        Mantel and Haenszel (1959), "Statistical aspects of the analysis of data from
        retrospective studies of disease", doi:10.1093/jnci/22.4.719, for rates at equal scores.
    """
    if missing := sorted(set(LOOK_COLUMNS) - set(looks.columns)):
        raise SchemaError(f"moderators need {missing}; got {list(looks.columns)}")
    known = _known(looks, as_of, options)
    firsts = known[known["first_case_id"].isna()]
    pairs = _pairs(known)
    agreement, confirming = _agreement(pairs, options), _confirming(firsts, options)
    individuals, unlike = _individuals(firsts, pairs, options)
    drifted = agreement["state"] == "drift" or bool(unlike)
    return {
        "agreement": agreement,
        "confirming": confirming | {"vouched": _vouched(pairs, confirming)},
        "speed": _speed(firsts, options),
        "moderators": individuals,
        "unlike_others": unlike,
        "state": "drift" if drifted else agreement["state"],
    }


def _known(looks: pd.DataFrame, as_of: date, options: ModeratorOptions) -> pd.DataFrame:
    """Give the latest verdict on each case, with ``age`` in whole days and ``recent``."""
    end = pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(days=1)
    decided = pd.to_datetime(looks["decided_at"], utc=True)
    frame = looks.assign(decided_at=decided)[decided.lt(end) & looks["is_violation"].notna()]
    frame = frame.sort_values(["decided_at", "verdict_id"]).drop_duplicates("case_id", keep="last")
    age = (end - frame["decided_at"]).dt.total_seconds() / DAY
    asked = pd.to_datetime(frame["as_of"]).dt.tz_localize("UTC") + pd.Timedelta(days=1)
    frame = frame.assign(
        violation=frame["is_violation"].astype(bool),
        recent=age.le(options.window_days),
        delay=(frame["decided_at"] - asked).dt.total_seconds() / DAY,
    )
    recent: pd.DataFrame = frame[age.le(options.window_days + options.baseline_days)]
    return recent


def _pairs(known: pd.DataFrame) -> pd.DataFrame:
    """Put each second look beside its first: ``agreed``, ``recent``, ``moderator_id`` (first)."""
    firsts = known.loc[known["first_case_id"].isna(), ["case_id", "violation", "moderator_id"]]
    seconds = known.loc[known["first_case_id"].notna(), ["first_case_id", "violation", "recent"]]
    both = seconds.merge(
        firsts, left_on="first_case_id", right_on="case_id", suffixes=("_second", "_first")
    )
    both["agreed"] = both["violation_second"] == both["violation_first"]
    return both


def _agreement(pairs: pd.DataFrame, options: ModeratorOptions) -> dict[str, Any]:
    """Compare how often second looks overruled confirmations, and dismissals, with before.

    Told apart because most cases are dismissed: a team twice as strict overrules half of the
    confirmations and hardly a dismissal.
    """
    sides = {
        name: {
            "second_looks": len(rows),
            "agreed": int(rows["agreed"].sum()),
            "agreement": float(rows["agreed"].mean()) if len(rows) else None,
        }
        for name, rows in (
            ("baseline", pairs[~pairs["recent"]]),
            ("window", pairs[pairs["recent"]]),
        )
    }
    recent = int(pairs["recent"].sum())
    if min(recent, len(pairs) - recent) < options.min_looks:
        return {**sides, "p_value": None, "state": "too few"}
    chances = [_overruled(rows) for _, rows in pairs.groupby("violation_first")]
    p_value = min(1.0, len(chances) * min(chances))
    return {**sides, "p_value": p_value, "state": _state(p_value, options)}


def _overruled(pairs: pd.DataFrame) -> float:
    """Give the probability of so many more overruled verdicts in the window by chance."""
    table = [
        [int(pairs.loc[side, "agreed"].sum()), int((~pairs.loc[side, "agreed"]).sum())]
        for side in (~pairs["recent"], pairs["recent"])
    ]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _confirming(firsts: pd.DataFrame, options: ModeratorOptions) -> dict[str, Any]:
    """Compare confirm rates of window and baseline among cases of like scores."""
    sides = {
        name: {"decided": len(rows), "confirmed": int(rows["violation"].sum())}
        for name, rows in (
            ("baseline", firsts[~firsts["recent"]]),
            ("window", firsts[firsts["recent"]]),
        )
    }
    if min(side["decided"] for side in sides.values()) < options.min_verdicts:
        return {**sides, "expected": None, "p_value": None, "state": "too few"}
    expected, p_value = _mantel_haenszel(firsts, firsts["recent"].to_numpy())
    return {**sides, "expected": expected, "p_value": p_value, "state": _state(p_value, options)}


def _vouched(pairs: pd.DataFrame, confirming: dict[str, Any]) -> bool:
    """Tell whether second looks rule out that moderators confirm less because they turned strict.

    Had they, at least half of the missing share of the confirmations made before would be
    overruled by now; so few are improbable (5 %).
    """
    if not confirming["expected"]:
        return False
    missing = 1 - confirming["window"]["confirmed"] / confirming["expected"]
    confirmed = pairs[pairs["recent"] & pairs["violation_first"]]
    overruled = int((~confirmed["agreed"]).sum())
    if missing <= 0 or confirmed.empty:
        return False
    return bool(stats.binom.cdf(overruled, len(confirmed), missing / 2) < VOUCHING)


def _individuals(
    firsts: pd.DataFrame, pairs: pd.DataFrame, options: ModeratorOptions
) -> tuple[dict[str, Any], list[str]]:
    """Describe each moderator's window, and name those who have become unlike the others.

    Who was always stricter is no news: unlike in the window and not so in the baseline counts.
    """
    recent, before, looked = (
        firsts[firsts["recent"]],
        firsts[~firsts["recent"]],
        pairs[pairs["recent"]],
    )
    told: dict[str, Any] = {}
    unlike = []
    names = sorted(recent["moderator_id"].dropna().unique())
    for name in names:
        own = recent["moderator_id"].eq(name)
        second = looked["moderator_id"].eq(name)
        decided, confirmed = int(own.sum()), int(recent.loc[own, "violation"].sum())
        expected, p_value = _mantel_haenszel(recent, own.to_numpy())
        told[str(name)] = {
            "decided": decided,
            "confirmed": confirmed,
            "confirm_rate": confirmed / decided,
            "expected_rate": None if expected is None else expected / decided,
            "second_looks": int(second.sum()),
            "agreed": int(looked.loc[second, "agreed"].sum()),
        }
        enough = min(decided, len(recent) - decided) * 4 >= options.min_verdicts
        theirs = before["moderator_id"].eq(name).to_numpy()
        _, p_before = _mantel_haenszel(before, theirs)
        # Of who is new nobody can tell what they were like before.
        if enough and theirs.any() and p_value * len(names) < options.significance < p_before:
            unlike.append(str(name))
    return told, unlike


def _mantel_haenszel(rows: pd.DataFrame, chosen: NDArray[np.bool_]) -> tuple[float | None, float]:
    """Give how many confirmations ``chosen`` would have at the others' rate, and its p-value."""
    if not chosen.any() or chosen.all():
        return None, 1.0
    ranks = rows["probability"].rank(method="average", pct=True).fillna(0.0)
    strata = np.ceil(np.asarray(ranks, dtype=np.float64) * STRATA)
    violation = np.asarray(rows["violation"], dtype=np.float64)
    expected = variance = at_rate = 0.0
    found = float(violation[chosen].sum())
    for stratum in np.unique(strata):
        inside = strata == stratum
        n, own, positives = inside.sum(), (inside & chosen).sum(), violation[inside].sum()
        expected += float(own * positives / n)
        if n > 1:
            variance += float(own * (n - own) * positives * (n - positives) / (n**2 * (n - 1)))
        others = violation[inside & ~chosen]
        at_rate += float(own * (others.mean() if others.size else positives / n))
    if variance == 0:
        return at_rate, 1.0
    distance = max(abs(found - expected) - 0.5, 0.0) / np.sqrt(variance)
    return at_rate, float(2 * stats.norm.sf(distance))


def _speed(firsts: pd.DataFrame, options: ModeratorOptions) -> dict[str, Any]:
    """Compare the days from the end of a case's day to its verdict."""
    before, lately = (firsts.loc[firsts["recent"].eq(side), "delay"] for side in (False, True))
    medians = {
        name: float(days.median()) if len(days) else None
        for name, days in (("baseline", before), ("window", lately))
    }
    slowest = float(lately.quantile(0.9)) if len(lately) else None
    told: dict[str, Any] = {**medians, "window_90_percent": slowest}
    if min(len(before), len(lately)) < options.min_verdicts:
        return told | {"p_value": None, "state": "too few"}
    p_value = float(stats.mannwhitneyu(lately, before, alternative="greater").pvalue)
    slower = float(lately.median() - before.median()) >= options.slower_days
    return told | {"p_value": p_value, "state": _state(p_value, options) if slower else "quiet"}


def _state(p_value: float, options: ModeratorOptions) -> str:
    return "drift" if p_value < options.significance else "quiet"
