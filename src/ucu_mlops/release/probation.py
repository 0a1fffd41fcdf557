"""Whether a version that was released lately finds as much as the one it replaced, and the revert.

moves, decided cases → none | on_trial | passed | untested | failed
failed → rollback, if nobody moved meanwhile
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
from scipy.stats import fisher_exact

from ucu_mlops.errors import SchemaError
from ucu_mlops.quality.checks import COUNT, COUNT_OR_NONE, SOME_SHARE, check_numbers
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.release.ledger import Ledger, Move

PROBATION_NEEDS = ("as_of", "source", "version", "is_violation", "decided_at")
ASKED_FOR = ("model", "rule")  # reports and exploration find the same whoever is champion
WHO = "probation"
OUTCOME_DAYS = 10  # a week of cases and three days until they are decided

FILE = "gate.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class ProbationOptions:
    """How long a new version is on trial, and how much worse is worse.

    Attributes:
        days: Days of its cases that count, and of its predecessor's before it.
        maturity_days: Days after which a case's verdict is expected; younger cases do not count,
            whoever decided them early.
        min_decided: Decided cases that either needs.
        ratio: Share of the predecessor's precision below which it is worse: the effect floor.
        significance: Probability that a version as good as its predecessor fails on any day of its
            trial; each day's test gets an equal part of it.
    """

    days: int = 14
    maturity_days: int = 3
    min_decided: int = 30
    ratio: float = 0.7
    significance: float = 0.01

    def __post_init__(self) -> None:
        """Refuse windows without days and shares outside 0..1."""
        check_numbers(
            self,
            "probation",
            FILE,
            days=COUNT,
            maturity_days=COUNT_OR_NONE,
            min_decided=COUNT,
            ratio=SOME_SHARE,
            significance=SOME_SHARE,
        )


def watch_trial(
    moves: Sequence[Move],
    cases: pd.DataFrame,
    since: date | None,
    as_of: date,
    options: ProbationOptions,
) -> dict[str, Any]:
    """Compare what the champion's cases came to with its predecessor's last ones.

    A version is on trial from its first promotion (or override) on: a rollback, or a person who
    reinstates a version that was champion before, ends it. What is compared is the share of
    confirmed among the decided cases that either asked for itself, by Fisher's exact test. Where
    the world changed, only the predecessor's days after the change count: before it, finding was
    another task.

    Args:
        moves: All moves of the model, oldest first.
        cases: One row per first-look case of the model: ``as_of`` (date), ``source``,
            ``version``, ``is_violation`` (boolean, null while open), ``decided_at`` (UTC).
        since: Day from which on the world is another, if that is why the champion was released.
        as_of: The day, meaning its end; later cases and verdicts are ignored.
        options: How long, and how much worse.

    Returns:
        A JSON object: ``state`` (``none``, ``on_trial``, ``passed``, ``untested`` where its
        days are over and too little was decided to compare, or ``failed``), ``version``,
        ``predecessor`` and ``revision`` (null without a champion), and ``evidence``: ``trial`` and
        ``before`` (each ``decided``, ``confirmed``, ``precision``), ``since``, ``p_value`` (null
        while there is too little) and ``needed`` (failed below it).

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(PROBATION_NEEDS) - set(cases.columns)):
        raise SchemaError(f"probation needs {missing}; got {list(cases.columns)}")
    head = moves[-1] if moves else None
    verdict: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "version": head and head.to_version,
        "predecessor": head and head.from_version,
        "revision": head and head.revision,
        "evidence": {},
    }
    if head is None or not _is_new(moves):
        return verdict | {"state": "none"}
    start = head.at.date()
    own, before = _sides(cases, head, since, as_of, options)
    p_value = None
    if min(own["decided"], before["decided"]) >= options.min_decided:
        table = [[side["confirmed"], side["decided"] - side["confirmed"]] for side in (own, before)]
        p_value = float(fisher_exact(table, alternative="less").pvalue)
    needed = options.significance / (options.days + options.maturity_days)
    evidence = {
        "trial": own,
        "before": before,
        "since": since and since.isoformat(),
        "p_value": p_value,
        "needed": needed,
    }
    worse = p_value is not None and own["precision"] < options.ratio * before["precision"]
    over = as_of >= start + timedelta(days=options.days + options.maturity_days)
    if worse and p_value is not None and p_value < needed:
        state = "failed"
    else:
        tested = "untested" if p_value is None else "passed"
        state = tested if over else "on_trial"
    return verdict | {"state": state, "evidence": evidence}


def changed_since(decisions: pd.DataFrame, head: Move | None) -> date | None:
    """Find since when the world is another, if that is why the champion was promoted.

    Args:
        decisions: One row per day: ``as_of`` (date), ``action``, ``evidence`` (JSON, whose
            ``drifting`` lists what drifts, each ``since`` a day).
        head: The move that made the champion.

    Returns:
        The first day of the drift that the last decision to retrain before the promotion named; if
        it named none, its queue was confirmed less, and the days that showed it are what counts.
    """
    if head is None or head.kind != "promote":
        return None
    day = pd.Timestamp(head.at.date())
    when = pd.to_datetime(decisions["as_of"])
    asked = decisions[
        decisions["action"].eq("retrain") & when.between(day - pd.Timedelta(days=2), day)
    ]
    if asked.empty:
        return None
    last = asked.sort_values("as_of").iloc[-1]
    drifting = json.loads(last["evidence"]).get("drifting", [])
    days = [date.fromisoformat(each["since"]) for each in drifting]
    shown = (pd.Timestamp(last["as_of"]) - pd.Timedelta(days=OUTCOME_DAYS)).date()
    return min(days, default=shown)


def end_trial(
    ledger: Ledger,
    model: str,
    verdict: Mapping[str, Any],
    at: datetime,
    loads: Callable[[str], object],
) -> Move | None:
    """Roll back a version that failed, unless somebody has moved since the verdict.

    Args:
        ledger: Where the moves are kept.
        model: The model.
        verdict: What :func:`watch_trial` gave.
        at: When; with a time zone.
        loads: Called with the predecessor before anything moves; raises if it cannot be loaded.

    Returns:
        The move that was made, if one was.

    Raises:
        StaleRevisionError: Somebody else moved at the same moment.
    """
    head = ledger.head(model)
    if verdict["state"] != "failed" or head is None or head.revision != verdict["revision"]:
        return None
    loads(verdict["predecessor"])
    move = Move(
        model,
        verdict["revision"] + 1,
        verdict["version"],
        verdict["predecessor"],
        "rollback",
        WHO,
        _why(verdict),
        derived_id("probation", model, verdict["revision"], verdict["version"]),
        at,
    )
    ledger.append(move)
    return move


def _is_new(moves: Sequence[Move]) -> bool:
    """Tell whether the head put a version in charge that never was before."""
    *earlier, head = moves
    seen = {move.to_version for move in earlier}
    return head.kind in {"promote", "override"} and bool(earlier) and head.to_version not in seen


def _sides(
    cases: pd.DataFrame, head: Move, since: date | None, as_of: date, options: ProbationOptions
) -> tuple[dict[str, Any], dict[str, Any]]:
    days = pd.to_datetime(cases["as_of"])
    end = pd.Timestamp(as_of)
    known = pd.to_datetime(cases["decided_at"], utc=True).lt(
        end.tz_localize("UTC") + pd.Timedelta(days=1)
    )
    mature = days.le(end - pd.Timedelta(days=options.maturity_days))
    asked = cases.assign(day=days)[
        cases["source"].isin(ASKED_FOR) & cases["is_violation"].notna() & known & mature
    ]
    own = asked[asked["version"].eq(head.to_version)]
    # A move late at night counts for the day before: the cases tell which day was the first.
    first = min(own["day"].min(), end) if len(own) else end
    begins = first - pd.Timedelta(days=options.days)
    if since is not None:
        begins = max(begins, pd.Timestamp(since))
    theirs = asked[
        asked["version"].eq(str(head.from_version)) & asked["day"].between(begins, first)
    ]
    own = own[own["day"] < first + pd.Timedelta(days=options.days)]
    return _precision(own), _precision(theirs)


def _precision(decided: pd.DataFrame) -> dict[str, Any]:
    confirmed = int(decided["is_violation"].astype("boolean").sum())
    precision = confirmed / len(decided) if len(decided) else None
    return {"decided": len(decided), "confirmed": confirmed, "precision": precision}


def _why(verdict: Mapping[str, Any]) -> str:
    trial, before = verdict["evidence"]["trial"], verdict["evidence"]["before"]
    return (
        f"probation of {verdict['as_of']}: {trial['confirmed']} of {trial['decided']} decided cases"
        f" confirmed, {before['confirmed']} of {before['decided']} of version"
        f" {verdict['predecessor']} before"
    )
