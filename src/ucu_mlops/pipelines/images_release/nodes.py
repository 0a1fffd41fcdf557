"""From two versions' answers about held-out pictures to a verdict."""

from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.features.period import Period
from ucu_mlops.images.answers import reader_rule, scores_of
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.model_files import label_set_of
from ucu_mlops.images.originals import Originals
from ucu_mlops.images.robustness import robustness_failures
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.storing import store_options
from ucu_mlops.images.usual import with_reference
from ucu_mlops.monitoring.reference import ReferenceOptions
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.release.conditions import Condition, needs_no_proof, no_data_fault, not_older
from ucu_mlops.release.label_gate import LabelGateOptions, compare_labels
from ucu_mlops.release.online import WON, not_lost_online, said_online


def begin_with_readers(
    shards: ShardStore,
    uploads: ibis.Table,
    labels: dict[str, Any],
    store: dict[str, Any],
    reference: ReferenceOptions,
    period: Period,
) -> Draft:
    """Let the readers decide until there is a model."""
    draft = reader_rule(parse_labels(labels), period.as_of)
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    load = Originals(uris, shards, store_options(store).objects)
    rule = Bundle(shards.folder, draft.manifest)  # of no files, so it needs no folder
    return with_reference(draft, rule, shards, uploads.execute(), reference, period.as_of, load)


def answer_holdout(
    judged: pd.DataFrame,
    challenger: Bundle,
    incumbent: Bundle,
    shards: ShardStore,
    store: dict[str, Any],
) -> pd.DataFrame:
    """Ask both versions about the held-out pictures.

    Returns:
        One row per picture and label that is known of it: ``entity_id``, ``label``, ``shown``,
        ``champion``, ``challenger`` (bool), ``precision_floor``, ``champion_version`` and
        ``challenger_version``. A label that the champion does not know, it never gives.
    """
    ids = [*judged["image_id"]]
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    load = Originals(uris, shards, store_options(store).objects)
    given = {}
    for name, bundle in (("champion", incumbent), ("challenger", challenger)):
        scores = scores_of(bundle, ids, shards, load)
        specs = bundle.manifest.labels
        given[name] = {spec.name: scores[:, at] >= spec.threshold for at, spec in enumerate(specs)}
    parts = [
        pd.DataFrame(
            {
                "entity_id": ids,
                "label": label.name,
                "shown": judged[f"label.{label.name}"],
                "champion": given["champion"].get(label.name, False),
                "challenger": given["challenger"][label.name],
                "precision_floor": label.precision_floor,
            }
        )
        for label in label_set_of(challenger).labels
    ]
    rows = pd.concat(parts, ignore_index=True).dropna(subset="shown").astype({"shown": bool})
    return rows.assign(champion_version=incumbent.version, challenger_version=challenger.version)


def judge_images(
    holdout_scores: pd.DataFrame,
    robustness: pd.DataFrame,
    decisions: ibis.Table,
    experiment_verdicts: ibis.Table,
    challenger: Bundle,
    incumbent: Bundle,
    options: LabelGateOptions,
    period: Period,
) -> dict[str, Any]:
    """Let the gate compare challenger and champion on the held-out pictures.

    Returns:
        The gate's report, as the release of any model reads it.
    """
    own = decisions.filter(decisions["as_of"] == period.as_of).select("action").execute()
    action = None if own.empty else str(own["action"].iloc[0])
    champion = incumbent.manifest
    lenient = needs_no_proof(
        champion.kind, champion.as_of, period.as_of, action, options.max_age_days
    )
    failures = len(robustness_failures(robustness))
    online = said_online(experiment_verdicts, str(challenger.version), period.as_of)
    report = compare_labels(holdout_scores, options, lenient=lenient or WON in online).also(
        Condition("robust", not failures, failures, 0),
        not_older(challenger.manifest.as_of, champion.as_of),
        no_data_fault(action),
        not_lost_online(online),
    )
    versions = (challenger.version, incumbent.version)
    return report.to_dict() | {
        "model": challenger.manifest.model,
        "as_of": period.as_of.isoformat(),
        "challenger": challenger.version,
        "champion": incumbent.version,
        "decision_id": derived_id("gate", challenger.manifest.model, period.as_of, *versions),
    }
