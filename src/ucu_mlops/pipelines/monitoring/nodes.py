"""Compare a day with what the champion knew, and say what to do about it, as data."""

import json
import logging
from datetime import date

import ibis
import pandas as pd
import plotly.graph_objects as go

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period
from ucu_mlops.monitoring.breaker import PastDecision
from ucu_mlops.monitoring.decision import DecisionOptions, Standing, decide
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import day_histograms
from ucu_mlops.monitoring.outcome import outcome_of
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)


def watch(
    champion: Bundle,
    scores: ibis.Table,
    inputs: ibis.Table,
    options: DriftOptions,
    period: Period,
) -> pd.DataFrame:
    """Measure how far the day's inputs and scores lie from the champion's reference.

    Returns:
        One row per feature and score, the columns of ``drift``.
    """
    reference = champion.manifest.reference
    histograms = day_histograms(
        reference,
        inputs.filter(inputs["as_of"] == period.as_of),
        scores.filter(scores["as_of"] == period.as_of),
        options.unwatched,
    )
    return measure_drift(
        reference,
        histograms.execute(),
        model=champion.manifest.model,
        version=str(champion.version),
        as_of=period.as_of,
        options=options,
    )


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
    return pd.DataFrame(
        [row | {"reasons": json.dumps(row["reasons"]), "evidence": json.dumps(row["evidence"])}]
    )


def _past(decisions: pd.DataFrame) -> tuple[PastDecision, ...]:
    return tuple(
        PastDecision(
            as_of=pd.Timestamp(row["as_of"]).date(),
            action=row["action"],
            had_causes=bool(json.loads(row["evidence"]).get("causes")),
        )
        for row in decisions.to_dict("records")
    )


def plot_drift(drift: ibis.Table, period: Period) -> go.Figure:
    """Draw each feature's distance from the reference as a share of its alarm threshold."""
    known = drift.filter(drift["as_of"] <= period.as_of)
    frame = known.mutate(ratio=known["measure"] / known["threshold"]).execute()
    figure = go.Figure()
    for name, rows in frame.sort_values("as_of").groupby("name"):
        figure.add_scatter(x=rows["as_of"], y=rows["ratio"], name=str(name), mode="lines+markers")
    figure.add_hline(y=1, line_dash="dash", annotation_text="alarm")
    figure.update_layout(
        title="Distance from the champion's reference, 1 = alarm",
        yaxis_title="Jensen-Shannon distance / threshold",
        template="plotly_white",
    )
    return figure
