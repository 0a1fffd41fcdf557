"""The plots of a monitored day: bins then and now, and distances over the days."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ucu_mlops.monitoring.histograms import counts_per_bin
from ucu_mlops.monitoring.reference import SCORE

COLUMNS = 2
MOST = 8  # plots, the ones that matter first
INVISIBLE = "\u200b"
USUAL, TODAY, ALARM = "#9fb3c8", "#c77700", "#b3261e"


def moved_histograms(
    features: Sequence[Mapping[str, Any]], histograms: pd.DataFrame, reference: Mapping[str, Any]
) -> go.Figure:
    """Draw the share of values per bin, in the reference and on the day.

    Args:
        features: What to draw, as the day's summary describes it; at most the first eight are.
        histograms: The day's counts: one row per name and bin.
        reference: What the champion knew.
    """
    shown = features[:MOST]
    rows = -(-len(shown) // COLUMNS) or 1
    figure = make_subplots(
        rows=rows,
        cols=COLUMNS,
        subplot_titles=[each["name"] for each in shown],
        vertical_spacing=min(0.4 / rows, 0.3),
    )
    for place, feature in enumerate(shown):
        name = feature["name"]
        profile = reference["score"] if name == SCORE else reference["features"][name]
        counts, _ = counts_per_bin(histograms, name, len(profile["shares"]))
        todays = counts / max(counts.sum(), 1)
        at = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        for label, shares, color in (
            ("reference", profile["shares"], USUAL),
            ("this day", todays, TODAY),
        ):
            figure.add_bar(
                x=bin_names(profile),
                y=shares,
                name=label,
                legendgroup=label,
                showlegend=place == 0,
                marker_color=color,
                **at,
            )
    figure.update_xaxes(type="category", tickangle=-50, tickfont_size=10)
    figure.update_yaxes(tickformat=".0%")
    figure.update_layout(
        template="plotly_white",
        height=300 * rows + 60,
        margin={"t": 70, "l": 50, "r": 20},
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"},
    )
    return figure


def bin_names(profile: Mapping[str, Any]) -> list[str]:
    """Name the bins of a feature: its categories and the rest, or up to where each reaches."""
    if profile["kind"] == "categorical":
        return [*profile["categories"], "other"]
    # The first edge lies a hair below the smallest value: 0 there, not -1e-09.
    edges = [f"{round(edge, 6) + 0.0:.3g}" for edge in profile["edges"]]
    if not edges:
        return ["any"]
    # Two edges may look alike in three digits; the place keeps their bars apart.
    names = [f"below {edges[0]}", *(f"≤ {edge}" for edge in edges[1:]), f"above {edges[-1]}"]
    return [name + INVISIBLE * names[:place].count(name) for place, name in enumerate(names)]


def distances_over_days(drift: pd.DataFrame, day: Mapping[str, Any], days: int) -> go.Figure:
    """Draw each feature's distance by its threshold, a row per feature, a column per day.

    Args:
        drift: One row per day and feature or score, as ``drift`` has it.
        day: The day's summary: its features choose and order the rows, the farthest on top.
        days: How many days at most, the last ones.
    """
    known = drift.assign(as_of=pd.to_datetime(drift["as_of"]), ratio=drift["measure"])
    known["ratio"] = known["measure"] / known["threshold"]
    known = known[known["as_of"].le(pd.Timestamp(day["as_of"]))]
    ratios = known.pivot_table(index="name", columns="as_of", values="ratio").iloc[:, -days:]
    names = [each["name"] for each in sorted(day["features"], key=lambda each: each["ratio"] or 0)]
    ratios = ratios.reindex(names)
    faults = known[known["state"].eq("fault") & known["as_of"].isin(ratios.columns)]
    figure = go.Figure(
        go.Heatmap(
            z=ratios.to_numpy(),
            x=[f"{each:%Y-%m-%d}" for each in ratios.columns],
            y=names,
            zmin=0,
            zmax=2,
            colorscale=[[0, "#f3f5f8"], [0.45, "#c9d6e4"], [0.5, "#f2c27a"], [1, ALARM]],
            colorbar={"title": "of alarm"},
            hovertemplate="%{y}, %{x}: %{z:.2f} of the alarm threshold<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[f"{each:%Y-%m-%d}" for each in faults["as_of"]],
        y=faults["name"],
        mode="markers",
        marker={"symbol": "x", "color": ALARM, "size": 9},
        name="fault",
    )
    figure.update_xaxes(type="category", range=[-0.5, max(len(ratios.columns), 8) - 0.5])
    figure.update_yaxes(dtick=1, tickfont_size=11)
    figure.update_layout(
        template="plotly_white",
        height=110 + 19 * len(names),
        margin={"t": 20, "l": 190},
        showlegend=False,
    )
    return figure
