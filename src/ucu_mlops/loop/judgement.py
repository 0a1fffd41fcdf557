"""What the loop did about a shift, beside what would have been right: one play of a drill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.figures import day_figures
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.truth import Platform, oracle_scores
from ucu_mlops.release.ledger import Move
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.scam.estimator import TrainingOptions

RIGHT = {
    "new_look": {"retrain"},
    "new_scam": {"retrain"},
    "broken_feed": {"data_fault"},
    "growth": {"none", "retrain"},
}
ENOUGH_SEEN = 10  # confirmed scammers of a new kind: with fewer a person would not be sure either
HARMLESS = 0.8  # share of its recall that a retraining after growth must at least keep


@dataclass(frozen=True)
class Played:
    """Everything that a play left.

    Attributes:
        days: The days, oldest first.
        cases: One row per case.
        platform: First-look cases with their verdicts, and the truth.
        population: One row per active user and day.
        scores: One row per user and day: ``entity_id``, ``as_of``, ``probability``.
        inputs: One row per user and day: the champion's features.
        moves: The ledger's moves, oldest first.
        features: The model's features.
        training: How it is trained.
        estimates: By day, what was estimated of recall: ``estimate``, ``low``, ``high``.
    """

    days: Sequence[DayReport]
    cases: pd.DataFrame
    platform: Platform
    population: pd.DataFrame
    scores: pd.DataFrame
    inputs: pd.DataFrame
    moves: Sequence[Move]
    features: list[FeatureSpec]
    training: TrainingOptions
    estimates: dict[date, dict[str, Any]]


def collect(project: Project, model: str, days: Sequence[DayReport]) -> Played:
    """Read what a play left.

    Args:
        project: The project that was played.
        model: Name of the model.
        days: The days played, oldest first.
    """
    last = days[-1].as_of
    with project.catalog(as_of=last.isoformat()) as catalog:
        own, verdicts = catalog.load(f"{model}.queue"), catalog.load("verdicts")
        cases = own.execute()
        counted = counted_verdicts(own, verdicts, last).execute()
        first_verdicts = verdicts.group_by("case_id").agg(at=verdicts["decided_at"].min()).execute()
        first_decided = counted["case_id"].map(first_verdicts.set_index("case_id")["at"])
        review = catalog.load(f"params:review.{model}")
        platform = Platform(
            looked=counted.assign(first_decided_at=first_decided),
            truth=catalog.load("simulation_truth"),
            capacity=review.capacity,
            dismissed_days=review.dismissed_days,
        )
        return Played(
            days=days,
            cases=cases,
            platform=platform,
            population=catalog.load("population").execute(),
            scores=catalog.load(f"{model}.scores")[["entity_id", "as_of", "probability"]].execute(),
            inputs=catalog.load(f"{model}.inputs").execute(),
            moves=SqliteLedger(Path(project.configuration("globals")["ledger"])).moves(model),
            features=list(catalog.load(f"{model}.champion").manifest.features),
            training=catalog.load(f"params:training.{model}"),
            estimates={day.as_of: estimate_of(project, model, day.as_of) for day in days},
        )


def estimate_of(project: Project, model: str, day: date) -> dict[str, Any]:
    """Read what was estimated of a day's recall: ``estimate``, ``low``, ``high``."""
    with project.catalog(as_of=day.isoformat()) as catalog:
        found = catalog.load(f"{model}.recall")
    return {name: found[name] for name in ("estimate", "low", "high")}


def judge_scam(
    project: Project, days: Sequence[DayReport], shift: date, kind: str, window: int
) -> dict[str, Any]:
    """Judge a play of the scam model, as :func:`judge_played` does."""
    return judge_played(collect(project, "scam", days), shift, kind, window)


def judge_played(played: Played, shift: date, kind: str, window: int) -> dict[str, Any]:
    """Judge a play.

    Args:
        played: What it left.
        shift: First day of the shift.
        kind: Kind of the shift.
        window: Days over which recall is averaged.

    Returns:
        A JSON object; the keys are explained in docs/drill.md.
    """
    found = {
        **tell_answer(played.days, shift, _seen_from(played, shift)),
        **_recalls(played, shift, window),
        "days_over_capacity": count_days_over(played.cases, played.platform.capacity),
        "duplicate_cases": count_duplicates(played.cases, played.platform.looked),
        "capacity": played.platform.capacity,
        "moves": tell_moves(played.moves),
        "days": _days(played),
    }
    return found | {"right": _is_right(kind, found)}


def tell_answer(days: Sequence[DayReport], shift: date, seen: date | None) -> dict[str, Any]:
    """Tell the first decision from a shift on, how long it took, and the alarms before.

    Args:
        days: The days played, oldest first.
        shift: First day of the shift.
        seen: The day by whose end enough verdicts showed it; None if none did.
    """
    alarms = [day for day in days if day.action != "none"]
    after = [day for day in alarms if day.as_of >= shift]
    return {
        "shift_day": shift.isoformat(),
        "action": after[0].action if after else "none",
        "action_on": after[0].as_of.isoformat() if after else None,
        "days_to_action": max(0, (after[0].as_of - seen).days) if after and seen else None,
        "days_since_shift": (after[0].as_of - shift).days if after else None,
        "seen_from": seen.isoformat() if seen else None,
        "false_alarms": len(alarms) - len(after),
    }


def tell_moves(moves: Sequence[Move]) -> list[list[str]]:
    """Tell the ledger's moves, each with its day."""
    return [[f"{move.at:%Y-%m-%d}", f"{move.kind} {move.to_version}"] for move in moves]


def promoted_from(moves: Sequence[Move], shift: date) -> list[date]:
    """Name the days at whose end a version was promoted, from a shift on, in order."""
    # A move counts from the end of its day on: that day was scored by the version before.
    ends = [move.at - timedelta(microseconds=1) for move in moves if move.kind == "promote"]
    return [end.date() for end in ends if end.date() >= shift]


def _is_right(kind: str, found: dict[str, Any]) -> bool:
    if found["action"] not in RIGHT[kind]:
        return False
    if kind == "broken_feed":
        return found["released_on"] is None  # nothing may be released that broken data taught
    if kind != "growth" or found["recall_after_retrain"] is None:
        return True
    return bool(found["recall_after_retrain"] >= HARMLESS * found["recall_after_shift"])


def _seen_from(played: Played, shift: date) -> date | None:
    """Find the day by whose end enough verdicts show the shift: its first where none are needed."""
    truth = played.platform.truth
    scammers = truth[truth["is_scammer"]]
    begins = scammers.groupby("kind")["active_from"].min()
    new_kinds = begins.index[begins >= pd.Timestamp(shift, tz="UTC")]
    if new_kinds.empty:
        return shift
    new = set(scammers.loc[scammers["kind"].isin(new_kinds), "user_id"])
    looked = played.platform.looked
    confirmed = looked[looked["is_violation"].fillna(value=False).astype(bool)]
    decided = confirmed.loc[confirmed["entity_id"].isin(new), "decided_at"].sort_values()
    return decided.iloc[ENOUGH_SEEN - 1].date() if len(decided) >= ENOUGH_SEEN else None


def _recalls(played: Played, shift: date, window: int) -> dict[str, Any]:
    """Average true recall before the shift, before the release it led to, and after that."""
    last = played.days[-1].as_of
    answers = promoted_from(played.moves, shift)
    # The first training may know a handful of a new kind: what counts is where the loop ends up.
    released = next((day for day in reversed(answers) if day < last), None)
    old = answers[0] if answers else last
    old_from = max(shift, old - timedelta(window - 1))
    found: dict[str, Any] = {
        "releases": len(answers),
        "released_on": released.isoformat() if released else None,
        "recall_before": _recall(played, played.scores, shift - timedelta(window), window),
        "recall_after_shift": _recall(played, played.scores, old_from, (old - old_from).days + 1),
        "recall_after_retrain": None,
        "recall_oracle": None,
        "recovery": None,
        "regained": None,
    }
    if released is None:
        return found
    first = released + timedelta(days=1)
    until = min(released + timedelta(days=window), last)
    known = played.inputs[played.inputs["as_of"] <= pd.Timestamp(until)]
    oracle = oracle_scores(played.platform, known, released, played.features, played.training)
    ours = _recall(played, played.scores, first, window, first)
    best = _recall(played, oracle, first, window, first)
    found |= {"recall_after_retrain": ours, "recall_oracle": best}
    return found | tell_gain(found)


def tell_gain(found: Mapping[str, float | None]) -> dict[str, float | None]:
    """Tell what a release won back, as a share of the oracle's gain and of what was lost.

    Args:
        found: The recalls, by the keys of ``drill.json``.
    """
    low, ours = found["recall_after_shift"], found["recall_after_retrain"]
    told: dict[str, float | None] = {}
    for name, goal in (("recovery", "recall_oracle"), ("regained", "recall_before")):
        high = found[goal]
        if low is None or ours is None or high is None or high <= low:
            told[name] = None
        else:
            told[name] = (ours - low) / (high - low)
    return told


def _recall(
    played: Played,
    scores: pd.DataFrame,
    first: date,
    days: int,
    history_until: date | None = None,
) -> float | None:
    """Give recall at capacity over days: each with its own history, or all with that of one day."""
    counts = []
    for number in range(days):
        day = first + timedelta(days=number)
        rows = scores[scores["as_of"] == pd.Timestamp(day)]
        counts.append(played.platform.recall(rows, history_until or day))
    scammers = sum(there for _, there in counts)
    return sum(caught for caught, _ in counts) / scammers if scammers else None


def count_days_over(cases: pd.DataFrame, capacity: int) -> int:
    """Count the days with more cases than moderators can check."""
    return int((cases.groupby("as_of").size() > capacity).sum())


def count_duplicates(cases: pd.DataFrame, looked: pd.DataFrame) -> int:
    """Count cases put twice: the same id, or a first look at one who waits or is confirmed."""
    firsts = looked.sort_values(["entity_id", "as_of"])
    night = pd.to_datetime(firsts["as_of"]).dt.tz_localize("UTC") + pd.Timedelta(days=1)
    earlier = firsts.groupby("entity_id")
    was_open = earlier.cumcount().gt(0) & ~earlier["first_decided_at"].shift().lt(night)
    confirmed = firsts["is_violation"].fillna(value=False).astype(bool)
    confirmed_at = firsts["decided_at"].where(confirmed).groupby(firsts["entity_id"]).shift()
    was_confirmed = confirmed_at.lt(night - pd.Timedelta(days=1))
    return int(cases["case_id"].duplicated().sum() + (was_open | was_confirmed).sum())


def _days(played: Played) -> list[dict[str, Any]]:
    figures = day_figures(
        played.cases, played.platform.looked, played.population, played.platform.truth
    )
    actions = {day.as_of: day for day in played.days}
    rows = []
    for row in figures.to_dict("records"):
        day = pd.Timestamp(row["as_of"]).date()
        if day in actions:
            rows.append(
                {
                    "as_of": day.isoformat(),
                    "cases": int(row["cases"]),
                    "recall": None if pd.isna(row["recall"]) else float(row["recall"]),
                    "estimate": played.estimates.get(day),
                    "action": actions[day].action,
                    "reasons": actions[day].reasons,
                    "version": actions[day].version,
                }
            )
    return rows
