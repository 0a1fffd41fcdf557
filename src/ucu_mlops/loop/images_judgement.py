"""What the loop did about a new look of codes: one play of the image model's drill.

Recall is of ``qr_code``, whose look changes: of the day's stored pictures that truly show one, the
share that were given the label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.images_oracle import oracle_scores
from ucu_mlops.loop.judgement import (
    ENOUGH_SEEN,
    RIGHT,
    count_days_over,
    count_duplicates,
    estimate_of,
    promoted_from,
    tell_answer,
    tell_gain,
    tell_moves,
)
from ucu_mlops.loop.project import Project
from ucu_mlops.release.ledger import Move
from ucu_mlops.review.verdicts import counted_verdicts

MODEL, LABEL = "images", "qr_code"

Scores = pd.DataFrame


@dataclass(frozen=True)
class PlayedImages:
    """Everything that a play left.

    Attributes:
        days: The days, oldest first.
        cases: One row per case.
        looked: One row per first-look case with the verdict that counts: ``entity_id`` (picture
            and label), ``label``, ``as_of``, ``is_violation`` (null while open), ``decided_at``.
        truth: One row per picture: ``image_id``, ``look``, and a bool per label.
        scores: One row per picture of the label: ``entity_id``, ``as_of``, ``probability``,
            ``threshold``.
        moves: The ledger's moves, oldest first.
        capacity: Cases a day that moderators can check.
        estimates: By day, what was estimated of recall.
        oracle: Gives the scores of later days as a version that learnt the truth up to a day would.
    """

    days: Sequence[DayReport]
    cases: pd.DataFrame
    looked: pd.DataFrame
    truth: pd.DataFrame
    scores: Scores
    moves: Sequence[Move]
    capacity: int
    estimates: dict[date, dict[str, Any]]
    oracle: Callable[[date], Scores]


def judge_images(
    project: Project, days: Sequence[DayReport], shift: date, kind: str, window: int
) -> dict[str, Any]:
    """Judge a play of the image model, as :func:`judge_played_images` does."""
    return judge_played_images(_collect(project, days), shift, kind, window)


def judge_played_images(
    played: PlayedImages, shift: date, kind: str, window: int
) -> dict[str, Any]:
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
        **tell_answer(played.days, shift, _seen_from(played)),
        **_recalls(played, shift, window),
        "days_over_capacity": count_days_over(played.cases, played.capacity),
        "duplicate_cases": count_duplicates(played.cases, played.looked),
        "capacity": played.capacity,
        "moves": tell_moves(played.moves),
        "days": _days(played),
    }
    return found | {"right": found["action"] in RIGHT[kind]}


def _collect(project: Project, days: Sequence[DayReport]) -> PlayedImages:
    last = days[-1].as_of
    with project.catalog(as_of=last.isoformat()) as catalog:
        own, verdicts = catalog.load(f"{MODEL}.queue"), catalog.load("verdicts")
        counted = counted_verdicts(own, verdicts, last).execute()
        first_verdicts = verdicts.group_by("case_id").agg(at=verdicts["decided_at"].min()).execute()
        scores = catalog.load(f"{MODEL}.scores")
        wanted = scores.filter(scores["label"] == LABEL)
        return PlayedImages(
            days=days,
            cases=own.execute(),
            # A picture may show several labels: each is a case of its own.
            looked=counted.assign(
                entity_id=counted["entity_id"] + "|" + counted["label"],
                first_decided_at=counted["case_id"].map(first_verdicts.set_index("case_id")["at"]),
            ),
            truth=catalog.load("images_truth").execute(),
            scores=wanted["entity_id", "as_of", "probability", "threshold"].execute(),
            moves=SqliteLedger(Path(project.configuration("globals")["ledger"])).moves(MODEL),
            capacity=catalog.load(f"params:review.{MODEL}").capacity,
            estimates={day.as_of: estimate_of(project, MODEL, day.as_of) for day in days},
            oracle=lambda learnt: oracle_scores(project, learnt, LABEL),
        )


def _seen_from(played: PlayedImages) -> date | None:
    """Find the day by whose end enough verdicts confirmed codes in the new look."""
    is_new = played.truth["look"].eq("new") & played.truth[LABEL]
    new = played.truth.loc[is_new, "image_id"] + "|" + LABEL
    looked = played.looked
    confirmed = looked[looked["is_violation"].fillna(value=False).astype(bool)]
    decided = confirmed.loc[confirmed["entity_id"].isin(new), "decided_at"].sort_values()
    return decided.iloc[ENOUGH_SEEN - 1].date() if len(decided) >= ENOUGH_SEEN else None


def _recalls(played: PlayedImages, shift: date, window: int) -> dict[str, Any]:
    """Average true recall before the shift, before the release it led to, and after the last."""
    last = played.days[-1].as_of
    answers = promoted_from(played.moves, shift)
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
    found["recall_after_retrain"] = _recall(played, played.scores, first, window)
    found["recall_oracle"] = _recall(played, played.oracle(released), first, window)
    return found | tell_gain(found)


def _recall(played: PlayedImages, scores: Scores, first: date, days: int) -> float | None:
    """Give the share of pictures with the label that were given it, over days."""
    day = pd.to_datetime(scores["as_of"])
    until = pd.Timestamp(first) + pd.Timedelta(days=days)
    rows = scores[day.ge(pd.Timestamp(first)) & day.lt(until)]
    shown = rows["entity_id"].isin(played.truth.loc[played.truth[LABEL], "image_id"])
    given = rows["probability"].ge(rows["threshold"])
    return float(given[shown].mean()) if shown.any() else None


def _days(played: PlayedImages) -> list[dict[str, Any]]:
    counted = played.cases.groupby(pd.to_datetime(played.cases["as_of"])).size()
    return [
        {
            "as_of": day.as_of.isoformat(),
            "cases": int(counted.get(pd.Timestamp(day.as_of), 0)),
            "recall": _recall(played, played.scores, day.as_of, 1),
            "estimate": played.estimates.get(day.as_of),
            "action": day.action,
            "reasons": day.reasons,
            "version": day.version,
        }
        for day in played.days
    ]
