"""Score a day's active entities and put the ones worth a look before moderators."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.specs import check_declared
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features
from ucu_mlops.features.period import Period
from ucu_mlops.review.queue import ReviewOptions, build_queue
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.scam.reasons import explain

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoringOptions:
    """What a day's scoring needs to know of its model.

    Attributes:
        reported_feature: Declared feature that counts today's reports about an entity.
    """

    reported_feature: str


def assemble_inputs(
    champion: Bundle,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    options: ScoringOptions,
    period: Period,
) -> pd.DataFrame:
    """Put the champion's features of the day side by side.

    Returns:
        One row per active entity: ``entity_id``, ``as_of``, the champion's features,
        ``reports_known_today`` (int64) and ``missing_groups`` (int64: of how many groups no row
        is stored that was computed as declared now; those features are null).

    Raises:
        ConfigurationError: The champion was trained on another declaration of a feature.
        NotEnoughDataError: No active entity has all its features stored.
    """
    declared = parse_declarations(features)
    check_declared(declared, champion.manifest)
    names = [spec.name for spec in champion.manifest.features]
    wanted = list(dict.fromkeys([*names, options.reported_feature]))
    spine = population.filter(population["as_of"] == period.as_of)
    frame: pd.DataFrame = join_features(wanted, declared, feature_tables, spine).execute()
    if incomplete := int((frame["missing_groups"] > 0).sum()):
        said = (
            f"{champion.manifest.model} of {period.as_of}: {incomplete} of {len(frame)} rows lack "
            "stored features of the current declaration; "
            f"run kedro run --pipeline=features --params=as_of={period.as_of}"
        )
        if incomplete == len(frame):
            raise NotEnoughDataError(said)
        logger.warning(said)
    reports = frame[options.reported_feature].fillna(0).astype("int64")
    frame = frame.assign(reports_known_today=reports).sort_values("entity_id", ignore_index=True)
    return frame[["entity_id", "as_of", *names, "reports_known_today", "missing_groups"]]


def score(champion: Bundle, inputs: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Give each active entity of the day the champion's probability, per label.

    Returns:
        One row per entity and label, in long form: ``model``, ``entity_id``, ``label``, ``as_of``,
        ``variant``, ``probability``, ``threshold``, ``version``, ``definition``, ``scored_at``
        (UTC: the end of the day, from when on the score counts as known).
    """
    manifest = champion.manifest
    probabilities = Predictor(champion).predict(inputs)
    scored_at = pd.Timestamp(period.as_of + timedelta(days=1), tz="UTC").as_unit("us")
    parts = [
        pd.DataFrame(
            {
                "model": manifest.model,
                "entity_id": inputs["entity_id"],
                "label": label.name,
                "as_of": period.as_of,
                "variant": "champion",
                "probability": probabilities[:, column],
                "threshold": label.threshold,
                "version": champion.version,
                "definition": manifest.definition,
                "scored_at": scored_at,
            }
        )
        for column, label in enumerate(manifest.labels)
    ]
    return pd.concat(parts, ignore_index=True)


def choose_cases(
    scores: ibis.Table,
    inputs: pd.DataFrame,
    cases: ibis.Table,
    verdicts: ibis.Table,
    champion: Bundle,
    review: ReviewOptions,
    period: Period,
) -> pd.DataFrame:
    """Choose the day's cases, within what moderators can check.

    Returns:
        One row per case, the columns of ``cases``, reasons still empty.
    """
    manifest = champion.manifest
    own = scores.filter(scores["as_of"] == period.as_of)
    reported = inputs[["entity_id", "reports_known_today"]]
    past = cases.filter(cases["model"] == manifest.model, cases["as_of"] < period.as_of)
    return build_queue(
        own.select("entity_id", "probability").execute().merge(reported, on="entity_id"),
        counted_verdicts(past, verdicts, period.as_of).execute(),
        model=manifest.model,
        label=manifest.labels[0].name,
        as_of=period.as_of,
        version=str(champion.version),
        source=manifest.kind,
        threshold=manifest.labels[0].threshold,
        options=review,
    )


def list_for_moderators(queue: ibis.Table, period: Period) -> pd.DataFrame:
    """Write the day's queue as moderators see it.

    What would tell a second look from a first is left out: it is to be blind.

    Returns:
        One row per case, by rank: ``rank``, ``case_id``, ``entity_id``, ``label``, ``as_of``,
        ``reasons`` (text).
    """
    todays: pd.DataFrame = queue.filter(queue["as_of"] == period.as_of).order_by("rank").execute()
    reasons = todays["reasons"].map(lambda each: "; ".join(json.loads(each)))
    return todays[["rank", "case_id", "entity_id", "label", "as_of"]].assign(reasons=reasons)


def explain_scam_cases(
    chosen: pd.DataFrame, inputs: pd.DataFrame, cases: ibis.Table, champion: Bundle
) -> pd.DataFrame:
    """Say for each case of the day, in words, what raised its probability.

    A second look repeats the reasons of the first: its user may not be active any more, and
    other reasons would tell the moderator that it is one.

    Returns:
        ``chosen`` with ``reasons`` filled: a JSON list of sentences.
    """
    shown = inputs.set_index("entity_id").reindex(chosen["entity_id"]).reset_index()
    reasons = [json.dumps(each) for each in explain(champion, shown)]
    own = pd.Series(reasons, index=chosen.index, dtype="str")
    again = chosen["first_case_id"].dropna()
    firsts = cases.filter(cases["case_id"].isin([*again, ""])).select("case_id", "reasons")
    told = firsts.execute().set_index("case_id")["reasons"]
    return chosen.assign(reasons=chosen["first_case_id"].map(told).fillna(own).astype("str"))
