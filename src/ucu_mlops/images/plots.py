"""An image model's evaluation as pictures: precision over recall, and recall under distortion."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from sklearn.metrics import precision_recall_curve

from ucu_mlops.images.evaluation import Judged
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.policy import ROWS
from ucu_mlops.images.robustness import UNTOUCHED
from ucu_mlops.images.thresholds import check_rows

COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
SYMBOLS = dict(zip(ROWS, ("circle", "x", "star"), strict=True))


def plot_precision_recall(
    judged: Judged, label_set: LabelSet, evaluation: Mapping[str, Any]
) -> go.Figure:
    """Draw the network's precision over recall per label, and where each row stands.

    Args:
        judged: The images.
        label_set: The labels.
        evaluation: As :func:`ucu_mlops.images.evaluation.evaluate` gives it.
    """
    scores, truth, _ = check_rows(judged.probabilities, judged.labels, judged.reader, label_set)
    figure = go.Figure()
    for place, name in enumerate(label_set.names):
        known = ~pd.isna(truth[:, place])
        if not (truth[:, place] == 1).any():
            continue
        colour = COLOURS[place % len(COLOURS)]
        precision, recall, _ = precision_recall_curve(truth[known, place], scores[known, place])
        figure.add_scatter(
            x=recall, y=precision, mode="lines", name=name, legendgroup=name, line_color=colour
        )
        for row, symbol in SYMBOLS.items():
            at = evaluation["per_label"][name][row]
            figure.add_scatter(
                x=[at["recall"]], y=[at["precision"]], mode="markers", name=f"{name}: {row}",
                legendgroup=name, marker={"symbol": symbol, "size": 11, "color": colour},
            )  # fmt: skip
    figure.update_xaxes(title_text="recall", range=[0, 1.02])
    figure.update_yaxes(title_text="precision", range=[0, 1.02])
    return figure.update_layout(
        title=f"{evaluation['images']} images; macro F1 "
        + ", ".join(f"{row} {_number(evaluation['macro_f1'][row])}" for row in ROWS),
        template="plotly_white",
        height=560,
    )


def plot_robustness(table: pd.DataFrame) -> go.Figure:
    """Draw recall by strength, one panel per distortion, one line per label; failures crossed.

    Args:
        table: As :func:`ucu_mlops.images.robustness.measure_robustness` gives it.
    """
    kinds = [each for each in table["distortion"].unique() if each != UNTOUCHED]
    whole = table[table["distortion"] == UNTOUCHED].set_index("label")["recall"]
    figure = make_subplots(1, max(len(kinds), 1), subplot_titles=kinds, shared_yaxes=True)
    for column, kind in enumerate(kinds, start=1):
        for place, label in enumerate(whole.index):
            own = table[(table["distortion"] == kind) & (table["label"] == label)]
            figure.add_scatter(
                x=["as it is", *(f"{each:g}" for each in own["strength"])],
                y=[whole[label], *own["recall"]],
                mode="lines+markers",
                name=label,
                legendgroup=label,
                showlegend=column == 1,
                line_color=COLOURS[place % len(COLOURS)],
                marker={"symbol": ["circle", *_symbols(own["failed"])], "size": 9},
                row=1,
                col=column,
            )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 1.02])
    figure.update_yaxes(title_text="recall", row=1, col=1)
    return figure.update_layout(
        title="Recall under distortion (x: fell by more than allowed)",
        template="plotly_white",
        height=420,
    )


def _symbols(failed: Sequence[bool]) -> list[str]:
    return ["x" if each else "circle" for each in failed]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
