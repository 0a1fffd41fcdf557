"""What is usual when a version is made: the reference that later days are compared with."""

import logging
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.images.answers import Load, scores_of
from ucu_mlops.images.facts import fact_specs, image_facts
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.monitoring.reference import MIN_DAYS, ReferenceOptions, build_reference

logger = logging.getLogger(__name__)


def with_reference(
    draft: Draft,
    completed: Bundle,
    shards: ShardStore,
    uploads: pd.DataFrame,
    options: ReferenceOptions,
    as_of: date,
    load: Load,
) -> Draft:
    """Describe the last days' uploads from outside, and what the version says of them.

    Args:
        draft: The version to be.
        completed: The same as a bundle that can answer.
        shards: The stored pictures.
        uploads: One row per picture: ``image_id``, ``ingested_at``.
        options: How many days.
        as_of: The last of them.
        load: Gives a picture's largest pixels, for the reader.

    Returns:
        The draft with reference and the facts as its features; pictures of a single moment, as a
        folder's, have none.
    """
    facts = image_facts(shards.index, uploads)
    first = as_of - timedelta(days=options.days - 1)
    recent = facts[(facts["as_of"] >= first) & (facts["as_of"] <= as_of)]
    if recent["as_of"].nunique() < MIN_DAYS:
        logger.warning("images: uploads of fewer than %s days: no reference for drift", MIN_DAYS)
        return draft
    scores = scores_of(completed, [*recent["entity_id"]], shards, load)
    specs = fact_specs(recent)
    reference = build_reference(recent, scores, specs, {})
    return replace(draft, manifest=replace(draft.manifest, features=specs, reference=reference))
