"""Say how much of what could be found the queue found, from verdicts alone."""

import logging
from typing import Any

import ibis

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period
from ucu_mlops.quality.recall import RecallOptions, estimate_recall
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.verdicts import paired_looks

logger = logging.getLogger(__name__)


def estimate_window_recall(
    cases: ibis.Table,
    verdicts: ibis.Table,
    champion: Bundle,
    review: ReviewOptions,
    options: RecallOptions,
    period: Period,
) -> dict[str, Any]:
    """Estimate recall over the last matured days, whichever versions filled the queue.

    Returns:
        A JSON object, as :func:`ucu_mlops.quality.recall.estimate_recall` gives it.
    """
    own = cases.filter(cases["model"] == champion.manifest.model)
    looks = paired_looks(own, verdicts, period.as_of).execute()
    found = estimate_recall(looks, period.as_of, review.dismissed_days, options)
    logger.info("%s of %s: %s", champion.manifest.model, period.as_of, _in_words(found))
    return found


def _in_words(found: dict[str, Any]) -> str:
    if found["estimate"] is None:
        return f"recall unknown, {found['reason']}"
    return f"recall {found['estimate']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
