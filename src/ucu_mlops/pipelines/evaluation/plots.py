"""The evaluation as one picture: precision over recall, calibration, lift, segments."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from sklearn.metrics import precision_recall_curve

from ucu_mlops.pipelines.evaluation.nodes import VERSIONS

COLOURS = dict(zip(VERSIONS, ("#1f77b4", "#ff7f0e", "#7f7f7f"), strict=True))
TITLES = (
    "Precision over recall",
    "Calibration: true over promised share",
    "Lift by share checked",
    "Recall at capacity by segment (* small)",
)


def plot_evaluation(holdout_scores: pd.DataFrame, evaluation: dict[str, Any]) -> go.Figure:
    """Draw what the report says, each version in its colour.

    Args:
        holdout_scores: As ``score_holdout`` gives them.
        evaluation: As ``evaluate`` gives it.
    """
    figure = make_subplots(2, 2, subplot_titles=TITLES, vertical_spacing=0.16)
    for name in VERSIONS:
        if evaluation[name]["metrics"] is None:
            continue
        for place, curve in enumerate(_curves(name, holdout_scores, evaluation[name])):
            curve.update(
                name=name,
                legendgroup=name,
                showlegend=place == 0,
                marker_color=COLOURS[name],
            )
            figure.add_trace(curve, row=1 + place // 2, col=1 + place % 2)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "#bbb"},
        showlegend=False, row=1, col=2,
    )  # fmt: skip
    for place, words in enumerate(
        [("recall", "precision"), ("promised", "true"), ("share checked", "lift"), ("", "recall")]
    ):
        across, up = words
        figure.update_xaxes(title_text=across, row=1 + place // 2, col=1 + place % 2)
        figure.update_yaxes(title_text=up, row=1 + place // 2, col=1 + place % 2)
    figure.update_layout(
        title=f"Held-out users: {evaluation['rows']} rows, {evaluation['positives']} positive",
        template="plotly_white",
        barmode="group",
        height=900,
    )
    return figure


def _curves(
    name: str, scores: pd.DataFrame, measured: dict[str, Any]
) -> Iterator[go.Scatter | go.Bar]:
    precision, recall, _ = precision_recall_curve(
        scores["label"], scores[name], sample_weight=scores["weight"]
    )
    yield go.Scatter(x=recall, y=precision, mode="lines")
    bins = measured["reliability"]
    yield go.Scatter(
        x=[each["promised"] for each in bins],
        y=[each["true"] for each in bins],
        mode="lines+markers",
    )
    steps = measured["lift"]
    yield go.Scatter(
        x=[each["share"] for each in steps],
        y=[each["lift"] for each in steps],
        mode="lines+markers",
    )
    segments = [
        (f"{column}: {segment}{' *' if each['small'] else ''}", each["recall_at_capacity"])
        for column, by_segment in measured["segments"].items()
        for segment, each in by_segment.items()
    ]
    yield go.Bar(x=[words for words, _ in segments], y=[recall for _, recall in segments])
