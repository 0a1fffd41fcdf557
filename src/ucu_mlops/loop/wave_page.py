"""Read the accounts of a wave, play it for some seeds, and tell it: JSON, a page, a few lines."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.labels import declared_labels
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.wave import Wave, play_wave
from ucu_mlops.loop.wave_arrivals import WaveOptions
from ucu_mlops.loop.wave_watch import MonitorOptions
from ucu_mlops.pipelines.scam_crossvalidation.nodes import describe
from ucu_mlops.scam.training import MODEL


def run_wave(project: Project, params: dict[str, str], seeds: Sequence[int]) -> str:
    """Play the wave for each seed, and write it down.

    Args:
        project: The project whose configuration names data set and cohorts.
        params: Run-time parameters, such as ``source_dir``.
        seeds: Seeds of the split, one play each.

    Returns:
        A few lines: what happened, and what to open.
    """
    with project.catalog(**params) as catalog:
        options = _options(catalog.load("parameters"))
        declared = parse_declarations(catalog.load("params:features"))
        spine = declared_labels(declared, catalog.load(f"{MODEL}.labels"))
        rows, features = describe(spine, catalog.load("source_tables"), declared)
        training = catalog.load(f"params:training.{MODEL}")
        monitor = MonitorOptions(
            catalog.load(f"params:drift.{MODEL}"), catalog.load(f"params:decision.{MODEL}")
        )
    waves = [
        play_wave(rows, features, options, training=training, monitor=monitor, seed=seed)
        for seed in seeds
    ]
    folder = Path(project.configuration("globals")["data_root"]) / "08_reporting"
    return write_wave(waves, folder)


def write_wave(waves: Sequence[Wave], folder: Path) -> str:
    """Write ``wave.json`` and ``wave.html``; the first wave leads, ``seeds`` in the JSON lists all.

    Args:
        waves: What was played, one seed each.
        folder: Where the files go.

    Returns:
        A few lines: what happened, and what to open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = waves[0].figures | {"seeds": [wave.figures for wave in waves]}
    (folder / "wave.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    page = folder / "wave.html"
    plot_wave(waves[0]).write_html(page, include_plotlyjs=True, div_id="wave")
    return "\n".join([*map(summary, waves), "", f"open in a browser: {page}"])


def summary(wave: Wave) -> str:
    """Say what happened in a few lines."""
    told = wave.figures
    acted = "the monitor never acted"
    if told["batches_to_action"] is not None:
        acted = (
            f"the monitor acted after {told['batches_to_action']} batches of the wave "
            f"({told['accounts_to_action']:,} accounts, no label)"
        )
    alarms = f"{told['false_alarms']} false alarms in {told['quiet_batches']} quiet batches before"
    rate = f"recall at {told['false_positive_rate']:.0%} false positives"
    lines = [
        f"seed {told['seed']}: {acted}; {alarms}",
        *(f"  {reason}" for reason in told["reasons"][:2]),
        f"  {rate}: before, after {told['labels']} labels, after all",
        f"    on the wave       {_series(told, 'wave')}",
        f"    on the old scams  {_series(told, 'old')}",
    ]
    return "\n".join(["", *lines])


def plot_wave(wave: Wave) -> go.Figure:
    """Draw how far the scores lay from the reference, batch by batch, and what labels brought."""
    told, batches = wave.figures, wave.batches
    few = told["labels"]
    figure = make_subplots(
        rows=2,
        vertical_spacing=0.16,
        subplot_titles=(
            "Distance of each batch's scores from the champion's reference",
            f"Recall at {told['false_positive_rate']:.0%} false positives",
        ),
    )
    for phase, colour in (("quiet", "#59a"), ("wave", "#c55")):
        own = batches[batches["phase"].eq(phase)]
        figure.add_bar(
            x=own["batch"] + 1, y=own["score"], name=f"{phase} batch", marker_color=colour
        )
    figure.add_scatter(
        x=batches["batch"] + 1,
        y=batches["threshold"],
        name="alarm threshold",
        mode="lines",
        line={"dash": "dash", "color": "#345"},
    )
    if told["batches_to_action"] is not None:
        figure.add_vline(
            x=told["quiet_batches"] + told["batches_to_action"],
            line_dash="dot",
            annotation_text="retraining asked for",
            row=1,
            col=1,
        )
    stages = ["before", f"after {few} labels", "after all labels"]
    for which, name, colour in (("wave", "the wave", "#c55"), ("old", "old scams", "#59a")):
        figure.add_bar(
            x=stages,
            y=recalls_of(told, which),
            name=name,
            marker_color=colour,
            texttemplate="%{y:.3f}",
            row=2,
            col=1,
        )
    figure.update_xaxes(title="batch", row=1, col=1)
    figure.update_yaxes(title="Jensen-Shannon distance", row=1, col=1)
    figure.update_yaxes(title="recall", range=[0, 1], row=2, col=1)
    figure.update_layout(
        title=f"A wave of new scams, {told['accounts_per_batch']} accounts a batch",
        template="plotly_white",
        height=800,
    )
    return figure


def recalls_of(told: Mapping[str, Any], which: str) -> list[float | None]:
    """List the recall before, after few labels and after all, of ``wave`` or ``old``."""
    few = f"after_{told['labels']}"
    if which == "wave":
        names = ["recall_before", f"recall_{few}", "recall_after_all"]
    else:
        names = [f"recall_old_scams_{stage}" for stage in ("before", few, "after")]
    return [told[name] for name in names]


def _series(told: Mapping[str, Any], which: str) -> str:
    return "  ".join("   - " if each is None else f"{each:.3f}" for each in recalls_of(told, which))


def _options(parameters: Mapping[str, Any]) -> WaveOptions:
    if MODEL not in parameters.get("wave", {}):
        raise ConfigurationError(
            f"no wave.{MODEL} is configured here; pass --env=NAME of an environment whose "
            "conf/NAME/parameters/ has one"
        )
    return WaveOptions(**parameters["wave"][MODEL])
