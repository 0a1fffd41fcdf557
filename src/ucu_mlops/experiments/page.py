"""The page of a model's experiments: each variant's verdict, what it measured, and its effect."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

import plotly.graph_objects as go

STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2rem auto;
padding:0 1rem;color:#1c2733}h2{margin-top:2.4rem}p{max-width:75ch}
table{border-collapse:collapse;font-size:13px;margin:1rem 0}
td,th{border-bottom:1px solid #dde3ea;padding:.35rem .7rem;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.state{border-radius:4px;color:#fff;padding:.05rem .5rem;background:#5b6776}
.win{background:#4a7c59}.loss,.invalid,.guardrail{background:#b3261e}"""
PLOT = {"full_html": False, "config": {"displayModeBar": False}}
OURS, BAND = "#1f5fa8", "rgba(31,95,168,.18)"


def draw_experiments(reports: Sequence[Mapping[str, Any]], model: str, as_of: date) -> str:
    """Draw all variants.

    Args:
        reports: As ``judge_variant`` gives them.
        model: The model.
        as_of: The day.

    Returns:
        One HTML file; the plots' script is fetched once and lies in it.
    """
    title = f"Experiments of {escape(model)}, {as_of.isoformat()}"
    parts = [_section(each, is_first=place == 0) for place, each in enumerate(reports)]
    body = "".join(parts) or "<p>None has begun by then.</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    )


def effect_plot(days: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw the effect at the end of each day, with the interval that holds on all of them."""
    known = [each for each in days if "value" in each]
    at = [each["day"] for each in known]
    figure = go.Figure()
    figure.add_scatter(
        x=at + at[::-1],
        y=[each["high"] for each in known] + [each["low"] for each in known][::-1],
        fill="toself",
        fillcolor=BAND,
        line={"width": 0},
        name="interval",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=at, y=[each["value"] for each in known], line={"color": OURS}, name="effect"
    )
    figure.add_hline(y=0, line={"color": "#5b6776", "dash": "dot"})
    figure.update_layout(
        height=320,
        margin={"l": 60, "r": 20, "t": 20, "b": 40},
        template="plotly_white",
        yaxis_title="more confirmed per 1,000 entities",
        showlegend=False,
    )
    return figure


def _section(report: Mapping[str, Any], *, is_first: bool) -> str:
    name = f"{report['experiment']}: {report['variant']}, version {report['version']}"
    since = f" since {report['since']}" if report["since"] else ""
    verdict = report["verdict"]
    said = escape("; ".join(report["reasons"]))
    state = f'<span class="state {verdict}">{verdict}{since}</span>'
    head = f"<h2>{escape(name)} {state}</h2><p>{said}</p>"
    if "arms" not in report:
        return head
    plot = ""
    if any("value" in each for each in report["days"]):
        plot = effect_plot(report["days"]).to_html(include_plotlyjs=is_first, **PLOT)
    return head + _arms(report["arms"]) + _guardrails(report["guardrails"]) + plot


def _arms(arms: Mapping[str, Mapping[str, int]]) -> str:
    names = ("entities", "cases", "settled", "confirmed")
    rows = "".join(
        f"<tr><td>{escape(arm)}</td>" + "".join(f'<td class="n">{told[n]:,}</td>' for n in names)
        for arm, told in arms.items()
    )
    head = "".join(f'<th class="n">{name}</th>' for name in names)
    return f"<table><tr><th>arm</th>{head}</tr>{rows}</table>"


def _guardrails(guardrails: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td>{name}</td><td class="n">{each["ours"]:.4g}</td>'
        f'<td class="n">{each["control"]:.4g}</td><td class="n">{each["allowed"]:g}</td>'
        f"<td>{'breached' if each['low'] > 0 else 'holds'}</td></tr>"
        for name, each in guardrails.items()
    )
    return (
        '<table><tr><th>guardrail</th><th class="n">variant</th><th class="n">control</th>'
        f'<th class="n">allowed</th><th></th></tr>{rows}</table>'
    )
