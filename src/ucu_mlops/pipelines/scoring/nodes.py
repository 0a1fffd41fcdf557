"""Score a day's active entities and put the ones worth a look before moderators."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.bundle.specs import check_declared
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features
from ucu_mlops.features.period import Period
from ucu_mlops.quality.checks import refuse
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import build_queue
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

    def __post_init__(self) -> None:
        """Refuse what can be no feature's name."""
        if not isinstance(self.reported_feature, str) or not self.reported_feature:
            allowed = "the name of a declared feature, such as reports_received_1d"
            refuse("scoring", "reported_feature", "scoring.yml", allowed, self.reported_feature)


def assemble_inputs(
    champion: Bundle,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    options: ScoringOptions,
    period: Period,
) -> ibis.Table:
    """Put the champion's features of the day side by side.

    Returns:
        Lazily, one row per active entity: ``entity_id``, ``as_of``, the champion's features,
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
    joined = join_features(wanted, declared, feature_tables, spine)
    _tell_incomplete(joined, champion.manifest.model, period)
    reports = joined[options.reported_feature].fill_null(0).cast("int64")
    return joined.mutate(reports_known_today=reports).select(
        "entity_id", "as_of", *names, "reports_known_today", "missing_groups"
    )


def _tell_incomplete(joined: ibis.Table, model: str, period: Period) -> None:
    counts = joined.aggregate(rows=joined.count(), lacking=(joined["missing_groups"] > 0).sum())
    found = counts.to_pyarrow().to_pylist()[0]
    rows, lacking = found["rows"], found["lacking"] or 0
    if lacking:
        said = (
            f"{model} of {period.as_of}: {lacking} of {rows} rows lack "
            "stored features of the current declaration; "
            f"run kedro run --pipeline=features --params=as_of={period.as_of}"
        )
        if lacking == rows:
            raise NotEnoughDataError(said)
        logger.warning(said)


def choose_cases(
    scores: ibis.Table,
    inputs: ibis.Table,
    cases: ibis.Table,
    verdicts: ibis.Table,
    champion: Bundle,
    review: ReviewOptions,
    period: Period,
) -> pd.DataFrame:
    """Choose the day's cases, within what moderators can check; labels share the capacity.

    Returns:
        One row per case, the columns of ``cases``, reasons still empty.
    """
    manifest = champion.manifest
    own = scores.filter(scores["as_of"] == period.as_of).select("entity_id", "label", "probability")
    todays = inputs.filter(inputs["as_of"] == period.as_of)
    reported = todays.select("entity_id", "reports_known_today")
    past = cases.filter(cases["model"] == manifest.model, cases["as_of"] < period.as_of)
    queues = [
        build_queue(
            own.filter(own["label"] == label.name).join(reported, "entity_id").execute(),
            counted_verdicts(
                past.filter(past["label"] == label.name), verdicts, period.as_of
            ).execute(),
            model=manifest.model,
            label=label.name,
            as_of=period.as_of,
            version=str(champion.version),
            source=manifest.kind,
            threshold=label.threshold,
            options=replace(review, capacity=capacity),
        )
        for label, capacity in zip(manifest.labels, _split(review, manifest), strict=True)
    ]
    return _ranked(queues)


def _split(review: ReviewOptions, manifest: Manifest) -> list[int]:
    """Give each label its part of the capacity: the same for each, the rest to the first ones."""
    each, rest = divmod(review.capacity, len(manifest.labels))
    return [each + (place < rest) for place in range(len(manifest.labels))]


def _ranked(queues: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the labels' queues into one: the first of each, then the second of each, and so on."""
    merged = pd.concat(queues).sort_values("rank", kind="stable", ignore_index=True)
    return merged.assign(rank=pd.RangeIndex(1, len(merged) + 1).astype("int64"))


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
    chosen: pd.DataFrame,
    inputs: ibis.Table,
    cases: ibis.Table,
    features: dict[str, Any],
    champion: Bundle,
    period: Period,
) -> pd.DataFrame:
    """Say for each case of the day, in words, what raised its probability.

    A second look repeats the reasons of the first: its user may not be active any more, and
    other reasons would tell the moderator that it is one.

    Returns:
        ``chosen`` with ``reasons`` filled: a JSON list of sentences.
    """
    todays = inputs.filter(inputs["as_of"] == period.as_of)
    their = todays.filter(todays["entity_id"].isin([*chosen["entity_id"], ""])).execute()
    shown = their.set_index("entity_id").reindex(chosen["entity_id"]).reset_index()
    units = parse_declarations(features).units
    reasons = [json.dumps(each) for each in explain(champion, shown, units)]
    own = pd.Series(reasons, index=chosen.index, dtype="str")
    again = chosen["first_case_id"].dropna()
    firsts = cases.filter(cases["case_id"].isin([*again, ""])).select("case_id", "reasons")
    told = firsts.execute().set_index("case_id")["reasons"]
    return chosen.assign(reasons=chosen["first_case_id"].map(told).fillna(own).astype("str"))
