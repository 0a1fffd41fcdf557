"""What the scoring of pictures does in its own way: facts for inputs, network and reader to score.

``images.shards``, ``uploads`` → assemble → ``images.inputs`` → score → ``images.scores``
"""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.scoring import SCORES
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period
from ucu_mlops.images.answers import scores_of
from ucu_mlops.images.facts import image_facts
from ucu_mlops.images.originals import Originals
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.pipelines.images_store.nodes import store_options


def assemble_image_inputs(shards: ShardStore, uploads: ibis.Table, period: Period) -> pd.DataFrame:
    """Describe the day's new pictures from outside: what monitoring compares.

    Returns:
        One row per picture that became known on the day and is stored: ``entity_id``, ``as_of``,
        the facts (see :func:`ucu_mlops.images.facts.image_facts`), ``reports_known_today`` and
        ``missing_groups`` (int64; always 0).
    """
    start = datetime.combine(period.as_of, time.min, UTC)
    todays = uploads.filter(
        uploads["ingested_at"] >= start, uploads["ingested_at"] < start + timedelta(days=1)
    )
    facts = image_facts(shards.index, todays.execute())
    return facts.assign(reports_known_today=0, missing_groups=0)


def score_images(
    champion: Bundle, inputs: ibis.Table, shards: ShardStore, store: dict[str, Any], period: Period
) -> pd.DataFrame:
    """Give each new picture of the day its score per label.

    Returns:
        One row per picture and label: the columns of ``scores``.
    """
    todays = inputs.filter(inputs["as_of"] == period.as_of).select("entity_id")
    ids = sorted(todays.execute()["entity_id"])
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    scores = scores_of(champion, ids, shards, Originals(uris, shards, store_options(store).objects))
    manifest = champion.manifest
    parts = [
        pd.DataFrame(
            {
                "model": manifest.model,
                "entity_id": ids,
                "label": label.name,
                "as_of": period.as_of,
                "variant": "champion",
                "probability": scores[:, place],
                "threshold": label.threshold,
                "version": str(champion.version),
                "definition": manifest.definition,
                "scored_at": datetime.combine(period.as_of + timedelta(days=1), time.min, UTC),
            }
        )
        for place, label in enumerate(manifest.labels)
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=SCORES.names)


def explain_image_cases(chosen: pd.DataFrame, champion: Bundle, shards: ShardStore) -> pd.DataFrame:
    """Say of each case what was found, how surely, and where the picture lies.

    Returns:
        ``chosen`` with ``reasons`` filled: a JSON list of sentences.
    """
    thresholds = {label.name: label.threshold for label in champion.manifest.labels}
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    columns = (chosen[name] for name in ("entity_id", "label", "probability"))
    reasons = [
        json.dumps([_found(label, score, thresholds[label]), uris[entity]])
        for entity, label, score in zip(*columns, strict=True)
    ]
    return chosen.assign(reasons=pd.Series(reasons, index=chosen.index, dtype="str"))


def _found(label: str, score: float, threshold: float) -> str:
    if score >= 1:
        return f"{label}: decoded by the reader"
    return f"{label}: {score:.2f}, given from {threshold:.2f} on"
