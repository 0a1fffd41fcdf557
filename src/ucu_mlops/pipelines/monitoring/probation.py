"""Watch a version that was released lately."""

import logging
from datetime import UTC, datetime, time, timedelta
from typing import Any

import ibis

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.probation import ProbationOptions, changed_since, watch_trial
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)


def watch_probation(
    moves: list[Move],
    cases: ibis.Table,
    verdicts: ibis.Table,
    decisions: ibis.Table,
    champion: Bundle,
    options: ProbationOptions,
    period: Period,
) -> dict[str, Any]:
    """Say whether the champion, if it is new, does as well as the version before it.

    Returns:
        A JSON object: ``state``, ``version``, ``predecessor``, ``revision`` and ``evidence``.
    """
    model = champion.manifest.model
    # A day that is played again must not see what it led to.
    end = datetime.combine(period.as_of + timedelta(days=1), time(), UTC)
    moves = [move for move in moves if move.at < end]
    known = counted_verdicts(cases.filter(cases["model"] == model), verdicts, period.as_of)
    head = moves[-1] if moves else None
    since = changed_since(decisions.select("as_of", "action", "evidence").execute(), head)
    verdict = watch_trial(moves, known.execute(), since, period.as_of, options)
    log = logger.warning if verdict["state"] == "failed" else logger.info
    log(
        "%s of %s: probation of version %s: %s",
        *(model, period.as_of, verdict["version"], verdict["state"]),
    )
    return verdict


def conclude_trial(probation: dict[str, Any]) -> dict[str, Any]:
    """Hand over what the trial has shown; saving it rolls back a version that failed."""
    return probation
