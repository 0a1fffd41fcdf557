"""Tell in a page, and in a few lines, what the loop did."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.figures import day_figures
from ucu_mlops.loop.lineage import draw_lineage
from ucu_mlops.loop.project import Project
from ucu_mlops.release.ledger import Move
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.simulation.options import Shift

STYLE = """body{font:15px system-ui,sans-serif;max-width:1100px;margin:2rem auto;color:#123}
table{border-collapse:collapse;width:100%;font-size:13px}td,th{border-bottom:1px solid #dde;
padding:.35rem .5rem;text-align:left;vertical-align:top}h2{margin-top:2.2rem}
img{max-width:100%}"""


SHIFTS = {
    "new_scam": "a new kind of scammer began, whom no model had learnt yet: recall falls",
    "broken_feed": "the feed of sentiments broke: every message lacks one",
    "growth": "harmless newcomers began to join in numbers",
}


@dataclass(frozen=True)
class Story:
    """Everything the report is drawn from.

    Attributes:
        model: Name of the model.
        days: The days played, oldest first.
        figures: One row per day, as ``day_figures`` gives them.
        queue: The last day's cases, by rank.
        moves: The ledger's moves, oldest first.
        trainings: By version, what it was trained on.
        capacity: Cases that moderators can check a day.
        shift: What changed on the simulated platform, and when.
    """

    model: str
    days: Sequence[DayReport]
    figures: pd.DataFrame
    queue: pd.DataFrame
    moves: Sequence[Move]
    trainings: Mapping[str, Mapping[str, Any]]
    capacity: int
    shift: Shift


def write_report(project: Project, model: str, days: Sequence[DayReport]) -> str:
    """Write page and lineage below ``08_reporting`` and say where they are.

    Args:
        project: The project that was played.
        model: Name of the model.
        days: The days played, oldest first.

    Returns:
        A few lines: what happened, and what to open.
    """
    places = project.configuration("globals")
    folder = Path(places["data_root"]) / "08_reporting" / model
    story = _collect(project, model, days, places)
    folder.mkdir(parents=True, exist_ok=True)
    draw_lineage(story.moves, story.trainings, folder / "lineage.svg")
    (folder / "report.html").write_text(_page(story, folder / "lineage.svg"), encoding="utf-8")
    return _summary(story, folder)


def _collect(
    project: Project, model: str, days: Sequence[DayReport], places: Mapping[str, Any]
) -> Story:
    last = days[-1].as_of
    with project.catalog(as_of=last.isoformat()) as catalog:
        own = catalog.load(f"{model}.queue")
        cases = own.execute()
        counted = counted_verdicts(own, catalog.load("verdicts"), last).execute()
        figures = day_figures(
            cases,
            counted,
            catalog.load("population").execute(),
            catalog.load("simulation_truth"),
        )
        capacity = catalog.load(f"params:review.{model}").capacity
        shift = catalog.load("params:simulation.platform").shift
    moves = open_ledger(str(places["ledger"])).moves(model)
    registry = MlflowRegistry(places["tracking_uri"], places["artifacts"])
    versions = dict.fromkeys(move.to_version for move in moves)
    cache = Path(places["bundles"])
    trainings = {each: registry.fetch(model, each, cache).manifest.training for each in versions}
    queue = cases[cases["as_of"] == pd.Timestamp(last)].sort_values("rank")
    return Story(model, days, figures, queue, moves, trainings, capacity, shift)


def _summary(story: Story, folder: Path) -> str:
    last, decided = story.days[-1], [day for day in story.days if day.action != "none"]
    # The framework filled its first queue on the last day of the past.
    first = story.days[0].as_of - timedelta(days=1)
    before = story.figures[story.figures["as_of"] < pd.Timestamp(first)]
    since = story.figures[story.figures["as_of"] >= pd.Timestamp(first)]
    lines = [
        "",
        f"{last.as_of}: {last.scored} users scored, {last.queued} of {story.capacity} cases queued",
        f"since {first}: {_rates(since, story.capacity)}",
        *_shifted(story.shift, since, last.as_of, story.capacity),
        f"before, when the most reported were looked at: {_rates(before, story.capacity)}",
        *(f"{day.as_of} decided {day.action}: {'; '.join(day.reasons[:2])}" for day in decided),
        *(
            f"{move.at:%Y-%m-%d} {move.kind}: version {move.from_version or '-'} -> "
            f"{move.to_version} ({move.why})"
            for move in story.moves
        ),
        "",
        "open in a browser:",
        f"  report   {folder / 'report.html'}",
        f"  lineage  {folder / 'lineage.svg'}",
        f"  queue    {folder / 'queue.csv'} (any spreadsheet)",
        "  pipelines, data, results: make viz",
    ]
    return "\n".join(lines)


def _shifted(shift: Shift, figures: pd.DataFrame, last: date, capacity: int) -> Iterator[str]:
    """Say what changed on the platform while it was played, and what that did to the figures."""
    if shift.day is None or shift.kind not in SHIFTS or shift.day > last:
        return
    is_after = figures["as_of"] >= pd.Timestamp(shift.day)
    yield f"  on {shift.day} {SHIFTS[shift.kind]}"
    yield f"  until then: {_rates(figures[~is_after], capacity)}"
    yield f"  from then on: {_rates(figures[is_after], capacity)}"


def _rates(figures: pd.DataFrame, capacity: int) -> str:
    decided, reachable = int(figures["decided"].sum()), int(figures["reachable"].sum())
    if not decided or not reachable:
        return "nothing decided yet"
    confirmed, caught = int(figures["confirmed"].sum()), int(figures["caught"].sum())
    at_best = figures["reachable"].clip(upper=capacity).sum() / reachable
    return (
        f"precision {confirmed / decided:.2f} ({confirmed} of {decided}), "
        f"true recall at capacity {caught / reachable:.2f} ({at_best:.2f} if every case were right)"
    )


def _page(story: Story, lineage: Path) -> str:
    sections = [
        f"<h1>{html.escape(story.model)}: {story.days[0].as_of} to {story.days[-1].as_of}</h1>",
        _plot(story).to_html(full_html=False, include_plotlyjs="inline"),
        "<h2>What the loop decided</h2>",
        _table(
            ["day", "scored by", "decision", "why", "gate"],
            [
                [day.as_of, day.version, day.action, " ".join(day.reasons), day.gate or ""]
                for day in story.days
            ],
        ),
        "<h2>The ledger of champions</h2>",
        _table(
            ["revision", "at", "move", "from", "to", "who", "why"],
            [
                [
                    *(m.revision, f"{m.at:%Y-%m-%d %H:%M}", m.kind),
                    *(m.from_version or "-", m.to_version, m.who, m.why),
                ]
                for m in story.moves
            ],
        ),
        "<h2>Lineage</h2>",
        lineage.read_text(encoding="utf-8").partition("<svg")[1]
        + lineage.read_text(encoding="utf-8").partition("<svg")[2],
        f"<h2>The queue of {story.days[-1].as_of}</h2>",
        _table(
            ["rank", "user", "source", "probability", "why"],
            [
                [
                    *(row.rank, row.entity_id, row.source, f"{row.probability:.3f}"),
                    "; ".join(json.loads(str(row.reasons))),
                ]
                for row in story.queue.itertuples()
            ],
        ),
    ]
    title = f"{story.model}: what the loop did"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><body>{''.join(sections)}</body></html>"
    )


def _plot(story: Story) -> go.Figure:
    """Draw precision, recall and cases over the days, with the champion's changes."""
    figures, days = story.figures, story.figures["as_of"]
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.08,
    )
    for name, words in (
        ("precision", "precision (confirmed of decided)"),
        ("recall", "recall at capacity (truth)"),
    ):
        figure.add_scatter(x=days, y=figures[name], name=words, mode="lines+markers", row=1, col=1)
    figure.add_bar(x=days, y=figures["cases"], name="cases", marker_color="#9bb", row=2, col=1)
    figure.add_hline(y=story.capacity, line_dash="dash", row=2, col=1)
    for day in sorted({move.at.date() for move in story.moves}):
        todays = [move for move in story.moves if move.at.date() == day]
        figure.add_vline(x=day.isoformat(), line_dash="dot", line_color="#c55")
        figure.add_annotation(
            x=day.isoformat(),
            y=1.0,
            yref="paper",
            yanchor="bottom",
            text="<br>".join(f"{move.kind} {move.to_version}" for move in todays),
            showarrow=False,
            textangle=-90,
        )
    figure.update_yaxes(title="share", row=1, col=1)
    figure.update_yaxes(title="cases a day", row=2, col=1)
    figure.update_layout(template="plotly_white", height=660, margin={"t": 120})
    return figure


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{line(head, 'th')}</tr>{body}</table>"
