"""Send batches of entities, in place of days, through the monitor of the daily loop.

usual entities → reference; batch after batch → histograms → drift → decision
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from ucu_mlops.loop.wave_arrivals import in_rounds, number_batches
from ucu_mlops.monitoring.decision import Decision, Standing, decide
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import HISTOGRAM_COLUMNS, MISSING, watched_profiles
from ucu_mlops.monitoring.moderators import LOOK_COLUMNS
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.outcome import CASE_COLUMNS, outcome_of
from ucu_mlops.monitoring.reference import SCORE, bin_counts, build_reference
from ucu_mlops.scam.estimator import FittedScam
from ucu_mlops.scam.preprocessing import source_of_columns
from ucu_mlops.scam.training import MODEL, importances

logger = logging.getLogger(__name__)

VERSION = "1"  # of the only champion
FIRST_DAY = date(2000, 1, 3)
REFERENCE_BATCHES = 40
BATCH_DAYS = 7  # a batch stands for one weekday, so that each is compared with all others


@dataclass(frozen=True)
class MonitorOptions:
    """What the monitor of the daily loop is told.

    Attributes:
        drift: When a batch counts as unusual.
        decision: When that is reason enough; a batch is ``BATCH_DAYS`` days.
    """

    drift: DriftOptions
    decision: DecisionOptions


def batch_reference(
    champion: FittedScam, usual: pd.DataFrame, size: int, seed: int
) -> dict[str, Any]:
    """Describe what is usual, a batch for a day.

    Batches differ by chance alone, so they may be drawn from the same entities again and again: a
    few would tell poorly by how much.

    Args:
        champion: Whose reference it is.
        usual: Entities that it did not learn from, with ``probability`` (the champion's).
        size: Rows to a batch.
        seed: Seed of the batches.

    Returns:
        What :func:`ucu_mlops.monitoring.reference.build_reference` gives.
    """
    drawn = in_rounds(usual, REFERENCE_BATCHES * size, f"reference {seed}")
    before = number_batches(len(drawn), size) - REFERENCE_BATCHES
    frame = drawn.assign(as_of=[_day(batch) for batch in before.tolist()])
    weights = importances(champion, source_of_columns(champion.preprocessing, champion.features))
    return build_reference(frame, drawn["probability"], champion.features, weights)


def watch_batches(
    reference: dict[str, Any],
    arrivals: pd.DataFrame,
    options: MonitorOptions,
) -> pd.DataFrame:
    """Measure batch after batch and decide after each, knowing only those before it.

    Args:
        reference: What :func:`batch_reference` gave.
        arrivals: One row per entity, in order: the features, ``batch`` (from 0) and
            ``probability`` (the champion's).
        options: What the monitor is told.

    Returns:
        One row per batch: ``batch``, ``entities``, ``score`` and ``threshold`` (Jensen-Shannon
        distance of the scores, and from where it is drift), ``drifting`` (features over theirs),
        ``action``, ``asked`` (whether it saw reason to act, held back or not) and ``reasons``
        (sentences).
    """
    measured: list[pd.DataFrame] = []
    rows = []
    for batch in sorted(arrivals["batch"].unique()):
        members = arrivals[arrivals["batch"].eq(batch)]
        today = _day(int(batch))
        drift = measure_drift(
            reference,
            _histograms(reference, members, options.drift.unwatched),
            model=MODEL,
            version=VERSION,
            as_of=today,
            options=options.drift,
        )
        measured.append(drift)
        decision = _decide(measured, today, options.decision)
        rows.append({"batch": int(batch), "entities": len(members)} | _told(drift, decision))
        logger.info("batch %s: %s. %s", batch, decision.action, decision.reasons[0])
    return pd.DataFrame(rows)


def _histograms(
    reference: dict[str, Any], members: pd.DataFrame, unwatched: Sequence[str]
) -> pd.DataFrame:
    """Count a batch as the warehouse counts a day: some hundred rows need no warehouse."""
    counted = []
    for name, profile in watched_profiles(reference, unwatched).items():
        counts = bin_counts(profile, members["probability" if name == SCORE else name])
        unknown = len(members) - int(counts.sum())
        counted += [(name, place, rows) for place, rows in enumerate(counts.tolist())]
        counted.append((name, MISSING, unknown))
    return pd.DataFrame(counted, columns=HISTOGRAM_COLUMNS)


def _decide(measured: Sequence[pd.DataFrame], today: date, options: DecisionOptions) -> Decision:
    """Decide on unlabelled entities alone: nobody has looked at any yet."""
    nobody = pd.DataFrame(columns=[*dict.fromkeys([*CASE_COLUMNS, *LOOK_COLUMNS])])
    outcome = outcome_of(nobody, nobody, as_of=today, options=options.outcome, version=VERSION)
    return decide(
        pd.concat(measured),
        outcome,
        model=MODEL,
        as_of=today,
        options=options,
        standing=Standing(version=VERSION),
    )


def _told(drift: pd.DataFrame, decision: Decision) -> dict[str, Any]:
    score = drift[drift["name"].eq(SCORE)].iloc[0]
    features = drift[drift["name"].ne(SCORE)]
    return {
        "score": float(score["measure"]),
        "threshold": float(score["threshold"]),
        "drifting": int(features["state"].eq("drift").sum()),
        "action": decision.action,
        "asked": bool(decision.evidence["causes"] or decision.evidence["faults"]),
        "reasons": decision.reasons,
    }


def _day(batch: int) -> date:
    return FIRST_DAY + timedelta(days=BATCH_DAYS * batch)
