"""Tell what monitoring found: outliers by name, the day as data, a page and a plot."""

import logging
from datetime import date
from typing import Any

import ibis
import pandas as pd
import plotly.graph_objects as go

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period
from ucu_mlops.monitoring.drift import DriftOptions
from ucu_mlops.monitoring.histograms import outliers
from ucu_mlops.monitoring.page import draw_page
from ucu_mlops.monitoring.summary import summarize
from ucu_mlops.monitoring.volume import FEED
from ucu_mlops.review.options import ReviewOptions

logger = logging.getLogger(__name__)


def list_outliers(
    champion: Bundle, inputs: ibis.Table, options: DriftOptions, period: Period
) -> pd.DataFrame:
    """Name the entities whose values lie far outside what the reference has seen.

    Returns:
        One row per entity and feature, the columns of ``outliers``; of each feature as many as
        are wanted at most.
    """
    model = champion.manifest.model
    found: pd.DataFrame = outliers(
        champion.manifest.reference,
        _of_day(inputs, period.as_of),
        spans=options.outlier_spans,
        limit=options.outliers,
        unwatched=options.unwatched,
    ).execute()
    if len(found):
        logger.warning(
            "%s of %s: %s values far outside what the reference has seen: %s",
            *(model, period.as_of, len(found), ", ".join(found["entity_id"].unique()[:5])),
            extra={"outliers": found.to_dict("records")},
        )
    return found.assign(model=model, as_of=period.as_of)


def describe_day(
    drift: ibis.Table,
    decision: ibis.Table,
    queue: ibis.Table,
    outliers: ibis.Table,
    champion: Bundle,
    review: ReviewOptions,
    period: Period,
) -> dict[str, Any]:
    """Put the monitored day into one object, and log it.

    Returns:
        A JSON object, as :func:`ucu_mlops.monitoring.summary.summarize` gives it.
    """
    day = summarize(
        drift.filter(drift["as_of"] <= period.as_of).execute(),
        _of_day(decision, period.as_of).execute().iloc[0].to_dict(),
        _of_day(queue, period.as_of).select("source").execute(),
        champion=champion.manifest,
        capacity=review.capacity,
        outliers=int(_of_day(outliers, period.as_of).count().execute()),
    )
    logger.info("%s of %s is monitored", day["model"], period.as_of, extra={"monitoring": day})
    return day


def draw_day(
    monitoring: dict[str, Any],
    recall: dict[str, Any],
    drift: ibis.Table,
    histograms: ibis.Table,
    decision: ibis.Table,
    outliers: ibis.Table,
    champion: Bundle,
) -> str:
    """Draw the page of the day.

    Returns:
        HTML that needs nothing from elsewhere.
    """
    as_of = date.fromisoformat(monitoring["as_of"])
    return draw_page(
        monitoring,
        drift.filter(drift["as_of"] <= as_of).execute(),
        _of_day(histograms, as_of).execute(),
        decision.execute(),
        _of_day(outliers, as_of).order_by(ibis.desc("spans")).execute(),
        reference=champion.manifest.reference,
        recall=recall,
    )


def plot_drift(drift: ibis.Table, period: Period) -> go.Figure:
    """Draw each feature's distance from the reference as a share of its alarm threshold."""
    known = drift.filter(drift["as_of"] <= period.as_of, drift["kind"] != FEED)
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


def _of_day(table: ibis.Table, as_of: date) -> ibis.Table:
    return table.filter(table["as_of"] == as_of)
