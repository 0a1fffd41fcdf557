"""Score a day's active entities and put the ones worth a look before moderators."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features
from ucu_mlops.features.period import Period
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.review.queue import ReviewOptions, build_queue
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.scam.reasons import explain


@dataclass(frozen=True)
class ScoringOptions:
    """What a day's scoring needs to know of its model.

    Attributes:
        reported_feature: Declared feature that counts today's reports about an entity.
    """

    reported_feature: str


def score(
    champion: Bundle,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    period: Period,
) -> pd.DataFrame:
    """Give each active entity of the day the champion's probability, per label.

    Returns:
        One row per entity and label, in long form: ``model``, ``entity_id``, ``label``, ``as_of``,
        ``variant``, ``probability``, ``threshold``, ``version``, ``definition``, ``scored_at``
        (UTC: the end of the day, from when on the score counts as known).
    """
    manifest = champion.manifest
    names = [spec.name for spec in manifest.features]
    frame = _rows_of(period, population, feature_tables, features, names)
    probabilities = Predictor(champion).predict(frame)
    definition = derived_id(*(spec.definition for spec in manifest.features))
    scored_at = datetime.combine(period.as_of + timedelta(days=1), time(), UTC)
    parts = [
        pd.DataFrame(
            {
                "model": manifest.model,
                "entity_id": frame["entity_id"],
                "label": label.name,
                "as_of": period.as_of,
                "variant": "champion",
                "probability": probabilities[:, column],
                "threshold": label.threshold,
                "version": champion.version,
                "definition": definition,
                "scored_at": pd.Timestamp(scored_at).as_unit("us"),
            }
        )
        for column, label in enumerate(manifest.labels)
    ]
    return pd.concat(parts, ignore_index=True)


def choose_cases(
    scores: ibis.Table,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    cases: ibis.Table,
    verdicts: ibis.Table,
    champion: Bundle,
    review: ReviewOptions,
    options: ScoringOptions,
    period: Period,
) -> pd.DataFrame:
    """Choose the day's cases, within what moderators can check.

    Returns:
        One row per case, the columns of ``cases``, reasons still empty.
    """
    manifest = champion.manifest
    own = scores.filter(scores["as_of"] == period.as_of)
    candidates = own.select("entity_id", "probability").execute()
    reported = _rows_of(period, population, feature_tables, features, [options.reported_feature])
    counts = reported.set_index("entity_id")[options.reported_feature].fillna(0).astype("int64")
    candidates["reports_known_today"] = candidates["entity_id"].map(counts)
    past = cases.filter(cases["model"] == manifest.model, cases["as_of"] < period.as_of)
    return build_queue(
        candidates,
        counted_verdicts(past, verdicts, period.as_of).execute(),
        model=manifest.model,
        label=manifest.labels[0].name,
        as_of=period.as_of,
        version=str(champion.version),
        source=manifest.kind,
        threshold=manifest.labels[0].threshold,
        options=review,
    )


def explain_scam_cases(
    chosen: pd.DataFrame,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    champion: Bundle,
    period: Period,
) -> pd.DataFrame:
    """Say for each case of the day, in words, what raised its probability.

    Returns:
        ``chosen`` with ``reasons`` filled: a JSON list of sentences.
    """
    names = [spec.name for spec in champion.manifest.features]
    rows = _rows_of(period, population, feature_tables, features, names)
    shown = rows.set_index("entity_id").reindex(chosen["entity_id"]).reset_index()
    return chosen.assign(reasons=[json.dumps(each) for each in explain(champion, shown)])


def _rows_of(
    period: Period,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    names: list[str],
) -> pd.DataFrame:
    spine = population.filter(population["as_of"] == period.as_of)
    joined = join_features(names, parse_declarations(features), feature_tables, spine)
    return joined.execute().sort_values("entity_id", ignore_index=True)
