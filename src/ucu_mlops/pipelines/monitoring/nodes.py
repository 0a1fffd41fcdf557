"""Compare a day with what the champion knew, and say what to do about it, as data."""

import json
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.arrivals import count_arrivals
from ucu_mlops.features.declarations import Declarations, parse_declarations
from ucu_mlops.features.period import Period
from ucu_mlops.monitoring.breaker import PastDecision
from ucu_mlops.monitoring.decision import Standing, asked_for, decide
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import day_histograms
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.outcome import outcome_of
from ucu_mlops.monitoring.volume import measure_volume
from ucu_mlops.quality.checks import refuse
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)


def count_values(
    champion: Bundle,
    scores: ibis.Table,
    inputs: ibis.Table,
    options: DriftOptions,
    period: Period,
) -> ibis.Table:
    """Count the day's inputs and scores per bin of the champion's reference, in the warehouse.

    Returns:
        Lazily, one row per feature (or ``score``) and bin: the columns of ``histograms``.

    Raises:
        NotEnoughDataError: The champion has no reference.
    """
    reference = champion.manifest.reference
    if not reference:
        raise NotEnoughDataError(
            f"the champion of {champion.manifest.model}, version {champion.version}, has no "
            "reference to be compared with; release one that has"
        )
    counted = day_histograms(
        reference,
        inputs.filter(inputs["as_of"] == period.as_of),
        scores.filter(scores["as_of"] == period.as_of),
        options.unwatched,
    )
    return counted.mutate(model=ibis.literal(champion.manifest.model), as_of=period.as_of)


def count_source_arrivals(
    champion: Bundle,
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    options: DriftOptions,
    period: Period,
) -> pd.DataFrame:
    """Count the events of each declared source on the day and on the reference's days.

    Returns:
        One row per source and day: ``source`` (string), ``as_of`` (date), ``rows`` (int64).

    Raises:
        ConfigurationError: A feature that nobody shall watch is not declared.
    """
    declared = parse_declarations(features)
    _check_unwatched(declared, options)
    arrived: pd.DataFrame = count_arrivals(
        declared, source_tables, _compared_days(champion, period)
    ).execute()
    return arrived


def count_upload_arrivals(champion: Bundle, uploads: ibis.Table, period: Period) -> pd.DataFrame:
    """Count the uploads that became known on the day and on the reference's days.

    Returns:
        As :func:`count_source_arrivals`, of the source ``uploads``.
    """
    known = uploads.select(as_of=uploads["ingested_at"].date())
    wanted = known.filter(known["as_of"].isin(sorted(set(_compared_days(champion, period)))))
    arrived: pd.DataFrame = wanted.group_by("as_of").aggregate(rows=wanted.count()).execute()
    return arrived.assign(source="uploads")[["source", "as_of", "rows"]]


def _compared_days(champion: Bundle, period: Period) -> list[date]:
    covered = champion.manifest.reference["days_covered"]
    return [*map(date.fromisoformat, covered), period.as_of]


def watch(
    champion: Bundle,
    histograms: ibis.Table,
    scores: ibis.Table,
    arrivals: pd.DataFrame,
    options: DriftOptions,
    period: Period,
) -> pd.DataFrame:
    """Measure how far inputs, scores and how much there is of them lie from the reference.

    Returns:
        One row per feature, score and feed, the columns of ``drift``.
    """
    reference = champion.manifest.reference
    given: dict[str, Any] = {
        "model": champion.manifest.model,
        "version": str(champion.version),
        "as_of": period.as_of,
        "options": options,
    }
    counted = histograms.filter(histograms["as_of"] == period.as_of).execute()
    drift = measure_drift(reference, counted, **given)
    scored = scores.filter(scores["as_of"] == period.as_of).count().execute()
    volume = measure_volume(reference, arrivals, int(scored), **given)
    return pd.concat([drift, volume], ignore_index=True)


def _check_unwatched(declared: Declarations, options: DriftOptions) -> None:
    """Refuse a name that is no feature: a misspelt one would be watched all the same."""
    groups = (*declared.groups, *declared.dormant)
    known = {feature.name for group in groups for feature in group.features}
    if unknown := sorted(set(options.unwatched) - known):
        refuse("drift", "unwatched", "monitoring.yml", "names of declared features", unknown)


def decide_action(
    drift: ibis.Table,
    cases: ibis.Table,
    verdicts: ibis.Table,
    decisions: ibis.Table,
    champion: Bundle,
    options: DecisionOptions,
    period: Period,
) -> pd.DataFrame:
    """Weigh the last days' drift and outcome and decide: none, retrain or data_fault.

    Returns:
        One row: ``decision_id``, ``model``, ``as_of``, ``action``, ``reasons`` and ``evidence``
        (JSON).
    """
    known = drift.filter(drift["as_of"] <= period.as_of).execute()
    own = cases.filter(cases["model"] == champion.manifest.model)
    looks = verdicts.inner_join(
        own.select("case_id", "first_case_id", "as_of", "probability"), "case_id"
    )
    standing = Standing(
        version=champion.version,
        trained=date.fromisoformat(champion.manifest.as_of),
        past=_past(decisions.filter(decisions["as_of"] < period.as_of).execute()),
        is_rule=champion.manifest.kind == "rule",
    )
    outcome = outcome_of(
        counted_verdicts(own, verdicts, period.as_of).execute(),
        looks.execute(),
        as_of=period.as_of,
        options=options.outcome,
        version=champion.version,
        since=standing.last_training(period.as_of),
    )
    decision = decide(
        known,
        outcome,
        model=champion.manifest.model,
        as_of=period.as_of,
        options=options,
        standing=standing,
    )
    log = logger.warning if decision.action == "data_fault" else logger.info
    log(
        "%s of %s: %s. %s",
        decision.model,
        period.as_of,
        decision.action,
        " ".join(decision.reasons),
    )
    row = decision.to_dict()
    row |= {name: json.dumps(row[name]) for name in ("reasons", "evidence")}
    before = decisions.filter(decisions["as_of"] == period.as_of)["evidence"].execute()
    asked = json.loads(before.iloc[0]).get("asked") if len(before) else None
    if asked and decision.action == "none":  # an alert did, and the training is done or under way
        row = asked_for(row, asked)
    return pd.DataFrame([row])


def _past(decisions: pd.DataFrame) -> tuple[PastDecision, ...]:
    """Read what was decided before; days from before these keys were written lack them."""
    days = pd.to_datetime(decisions["as_of"]).dt.date
    rows = zip(days, decisions["action"], decisions["evidence"].map(json.loads), strict=True)
    return tuple(
        PastDecision(
            as_of=day,
            action=action,
            had_causes=bool(evidence.get("causes")),
            moderators_changed=bool(evidence.get("moderators_changed")),
        )
        for day, action, evidence in rows
    )
