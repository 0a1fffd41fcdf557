"""The page that shows a monitored day: what moved, since when, how much depends on it.

``<model>.monitoring``, ``drift``, ``histograms``, ``decisions``, ``outliers`` → one HTML file
"""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ucu_mlops.monitoring.plots import distances_over_days, moved_histograms
from ucu_mlops.monitoring.volume import FEED

SHOWN_DAYS = 30
STYLE = """:root{--quiet:#4a7c59;--drift:#c77700;--fault:#b3261e}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;
color:#1c2733}h1{margin-bottom:.2rem}h2{margin-top:2.4rem}p{max-width:75ch}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}.figures div{background:#f3f5f8;
border-radius:8px;padding:.6rem 1rem;min-width:7.5rem}.figures b{display:block;font-size:1.4rem}
.state{border-radius:4px;color:#fff;padding:.05rem .5rem;white-space:nowrap}
.quiet,.none{background:var(--quiet)}.drift,.retrain{background:var(--drift)}
.fault,.data_fault{background:var(--fault)}
table{border-collapse:collapse;width:100%;font-size:13px}td,th{border-bottom:1px solid #dde3ea;
padding:.35rem .5rem;text-align:left;vertical-align:top}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}td:first-child{white-space:nowrap}small{color:#5b6776}details{margin-top:.8rem}"""

MOVED = {
    "state": "state",
    "since": "since",
    "weight": "matters",
    "ratio": "of alarm",
    "measure": "Jensen-Shannon",
    "threshold": "alarm at",
    "l_infinity": "L-infinity",
    "p_value": "G-test p",
    "missing_share": "missing",
    "unseen_share": "unseen",
    "outside_share": "outside",
}
DISTANCE = (
    "Jensen-Shannon distance from the reference's days like it, as a share of the alarm "
    "threshold: above 1 is drift."
)
TINY = 0.001  # a p-value below it is told as that
PLOT = {"full_html": False, "config": {"displayModeBar": False}}
SMALL = 0.1  # a share below it gets a decimal
SHARES = {"weight", "missing_share", "unseen_share", "outside_share"}


def draw_page(
    day: Mapping[str, Any],
    drift: pd.DataFrame,
    histograms: pd.DataFrame,
    decisions: pd.DataFrame,
    outliers: pd.DataFrame,
    *,
    reference: Mapping[str, Any],
    recall: Mapping[str, Any],
) -> str:
    """Draw a day.

    Args:
        day: What :func:`ucu_mlops.monitoring.summary.summarize` gave.
        drift: One row per day and feature or score, as ``drift`` has it.
        histograms: The day's counts: one row per name and bin.
        decisions: One row per day: ``as_of``, ``action``, ``reasons`` (JSON).
        outliers: The day's values far outside the reference's range: ``name``, ``entity_id``,
            ``value``, ``low``, ``high``.
        reference: What the champion knew.
        recall: ``estimate``, ``low`` and ``high``; null where there is too little to go on.

    Returns:
        A whole HTML document, which needs nothing from elsewhere.
    """
    features = sorted(day["features"], key=_importance)
    moved = [each for each in features if each["state"] != "quiet"]
    near = moved or features[:4]
    words = "What moved" if moved else "Nothing moved; what came nearest to an alarm"
    title = f"{day['model']}: monitoring of {day['as_of']}"
    sections = [
        f"<h1>{html.escape(title)}</h1>",
        _headline(day),
        _figures(day, recall),
        f"<h2>{words}</h2>",
        _feature_table(near),
        moved_histograms(_measured(near), histograms, reference).to_html(
            **PLOT, include_plotlyjs="inline"
        ),
        "<h2>Distance over the days</h2>",
        f"<p>{DISTANCE}</p>",
        distances_over_days(drift, day, SHOWN_DAYS).to_html(**PLOT, include_plotlyjs=False),
        "<h2>What was decided</h2>",
        _decision_table(decisions, day["as_of"]),
        "<h2>Outliers</h2>",
        _outlier_table(outliers),
        f"<details><summary>All {len(features)} watched</summary>",
        _feature_table(features),
        "</details>",
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><body>{''.join(sections)}</body></html>\n"
    )


def _measured(features: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep what has a histogram: a feed only has a number of rows."""
    return [each for each in features if each["kind"] != FEED]


def _importance(feature: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order: faults, drift, quiet; within them by weight times how far beyond the alarm."""
    ratio = feature["ratio"] or 0.0
    return (
        ("fault", "drift", "quiet").index(feature["state"]),
        -feature["weight"] * ratio if feature["state"] == "drift" else -ratio,
        feature["name"],
    )


def _headline(day: Mapping[str, Any]) -> str:
    reasons = "".join(f"<li>{html.escape(each)}</li>" for each in day["reasons"])
    champion = f"{day['kind']} {day['version']}, trained on what was known on {day['trained']}"
    return (
        f"<p>{_badge(day['action'])} <small>{html.escape(champion)}</small></p><ul>{reasons}</ul>"
    )


def _figures(day: Mapping[str, Any], recall: Mapping[str, Any]) -> str:
    cases, window = day["queue"]["cases"], day["precision"] or {}
    sources = ", ".join(f"{count} {name}" for name, count in sorted(cases.items()))
    interval, confirmed = "too little to go on", "nothing decided yet"
    if recall["estimate"] is not None:
        interval = f"{recall['low']:.0%} to {recall['high']:.0%}, from exploration"
    if window.get("decided"):
        confirmed = f"{window['violations']} of {window['decided']} decided"
    states = [each["state"] for each in day["features"]]
    boxes = [
        ("scored", f"{day['scored']:,}", ""),
        ("cases", f"{sum(cases.values())} of {day['queue']['capacity']}", sources),
        ("precision of the queue", _share(window.get("precision")), confirmed),
        ("estimated recall", _share(recall["estimate"]), interval),
        ("drifting", str(states.count("drift")), f"of {len(states)} watched"),
        ("broken", str(states.count("fault")), ""),
        ("outliers", str(day["outliers"]), ""),
    ]
    return "<div class=figures>{}</div>".format(
        "".join(
            f"<div>{html.escape(name)}<b>{html.escape(value)}</b><small>{html.escape(more)}</small>"
            "</div>"
            for name, value, more in boxes
        )
    )


def _feature_table(features: Sequence[Mapping[str, Any]]) -> str:
    head = ["feature", *MOVED.values()]
    rows = [[html.escape(each["name"]), *_feature_cells(each)] for each in features]
    return _table(head, rows, numbers=range(3, len(head)))


def _feature_cells(feature: Mapping[str, Any]) -> list[str]:
    cells = []
    for key in MOVED:
        value = feature[key]
        if key == "state":
            cells.append(_badge(value))
        elif key in SHARES:
            cells.append(_share(value))
        elif value is None:
            cells.append("-")
        elif key == "p_value" and value < TINY:
            cells.append(f"&lt; {TINY}")
        else:
            cells.append(value if isinstance(value, str) else f"{value:.3g}")
    return cells


def _decision_table(decisions: pd.DataFrame, as_of: str) -> str:
    known = decisions[pd.to_datetime(decisions["as_of"]).le(pd.Timestamp(as_of))]
    latest = known.sort_values("as_of", ascending=False).head(SHOWN_DAYS)
    rows = [
        [
            str(pd.Timestamp(row["as_of"]).date()),
            _badge(row["action"]),
            html.escape(" ".join(json.loads(row["reasons"]))),
        ]
        for row in latest.to_dict("records")
    ]
    return _table(["day", "decision", "why"], rows)


def _outlier_table(outliers: pd.DataFrame) -> str:
    if outliers.empty:
        return "<p>No value lies far outside what the reference has seen.</p>"
    rows = [
        [
            html.escape(row["entity_id"]),
            html.escape(row["name"]),
            f"{row['value']:,.9g}",
            f"{row['low']:,.9g} to {row['high']:,.9g}",
        ]
        for row in outliers.to_dict("records")
    ]
    return _table(["entity", "feature", "value", "reference's range"], rows, numbers=(2, 3))


def _badge(state: str) -> str:
    return f"<span class='state {state}'>{state.replace('_', ' ')}</span>"


def _share(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if 0 < value < SMALL else f"{value:.0%}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Write a table of cells that are HTML already; ``numbers`` are columns set right."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag} class=n>{cell}</{tag}>" if place in numbers else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{line(head, 'th')}</tr>{body}</table>"
