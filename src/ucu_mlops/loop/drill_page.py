"""What a drill found, as ``drill.json``, a page with a plot per play, and a line per play."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

COLOURS = {"retrain": "#d9822b", "data_fault": "#c0392b"}


def write_drill(plays: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write ``drill.json`` and ``drill.html``.

    Args:
        plays: The judgements, as :func:`ucu_mlops.loop.judgement.judge` gives them.
        folder: Where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = [{key: value for key, value in play.items() if key != "days"} for play in plays]
    (folder / "drill.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
    (folder / "drill.html").write_text(_page(plays), encoding="utf-8")


def summary(play: Mapping[str, Any]) -> str:
    """Say in a line what the loop did about one shift.

    Args:
        play: A judgement.
    """
    when = "" if play["days_since_shift"] is None else f" {play['days_since_shift']} days later"
    recalls = " -> ".join(
        _figure(play[name])
        for name in ("recall_before", "recall_after_shift", "recall_after_retrain")
    )
    return (
        f"{play['kind']}, seed {play['seed']}: {play['action']}{when}"
        f" ({'right' if play['right'] else 'WRONG'}), recall {recalls}, "
        f"oracle {_figure(play['recall_oracle'])}, {play['false_alarms']} false alarms, "
        f"{play['days_over_capacity']} days over capacity, {play['duplicate_cases']} duplicates"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _page(plays: Sequence[Mapping[str, Any]]) -> str:
    sections = []
    for number, play in enumerate(plays):
        plot = _plot(play).to_html(full_html=False, include_plotlyjs=number == 0)
        told = "; ".join(
            f"{day['as_of']} {day['action']}: {' '.join(day['reasons'])}"
            for day in play["days"]
            if day["action"] != "none"
        )
        sections.append(
            f"<h2>{html.escape(play['kind'])}, seed {play['seed']}</h2>"
            f"<p>{html.escape(summary(play))}. Orange days asked for a training, red "
            f"ones for mended data.</p>{plot}<p>{html.escape(told)}</p>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Drill</title>'
        "<style>body{font:15px system-ui,sans-serif;max-width:1100px;margin:2rem auto;"
        f"color:#123}}</style><body><h1>Drill</h1>{''.join(sections)}</body></html>"
    )


def _plot(play: Mapping[str, Any]) -> go.Figure:
    """Draw recall and cases over the days, with the shift, the decisions and the ledger's moves."""
    days = play["days"]
    x = [day["as_of"] for day in days]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    true = [day["recall"] for day in days]
    figure.add_scatter(x=x, y=true, name="recall of the day's cases (truth)", row=1, col=1)
    known = [day for day in days if day["estimate"]["estimate"] is not None]
    middle = [day["estimate"]["estimate"] for day in known]
    ends = {name: [day["estimate"][name] for day in known] for name in ("low", "high")}
    figure.add_scatter(
        x=[day["as_of"] for day in known],
        y=middle,
        error_y={
            "symmetric": False,
            "array": [high - mid for high, mid in zip(ends["high"], middle, strict=True)],
            "arrayminus": [mid - low for mid, low in zip(middle, ends["low"], strict=True)],
            "color": "#bbb",
        },
        name="recall of the last 28 days (estimated)",
        row=1,
        col=1,
    )
    colours = [COLOURS.get(day["action"], "#9bb") for day in days]
    figure.add_bar(
        x=x, y=[day["cases"] for day in days], marker_color=colours, name="cases", row=2, col=1
    )
    figure.add_hline(y=play["capacity"], line_dash="dash", row=2, col=1)
    marks: dict[str, list[str]] = {play["shift_day"]: ["shift"]}
    for day, words in play["moves"]:
        marks.setdefault(day, []).append(words)
    for day, todays in marks.items():
        if day >= x[0]:
            figure.add_vline(x=day, line_dash="dot", line_color="#c55")
            figure.add_annotation(
                x=day,
                y=1,
                yref="paper",
                yanchor="bottom",
                text="<br>".join(todays),
                textangle=-90,
                showarrow=False,
            )
    figure.update_yaxes(title="recall", row=1, col=1)
    figure.update_yaxes(title="cases a day", row=2, col=1)
    figure.update_layout(template="plotly_white", height=560, margin={"t": 110})
    return figure
