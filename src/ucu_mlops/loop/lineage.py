"""Draw where each champion came from: training set, version, gate, and how long it reigned."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ucu_mlops.release.ledger import Move

ROWS = {"training set": 2.0, "version": 1.0, "champion": 0.0}
BOX = {"boxstyle": "round,pad=0.5", "facecolor": "#f4f6fa", "edgecolor": "#345"}
ARROW = {"arrowstyle": "->", "color": "#345"}


def draw_lineage(
    moves: Sequence[Move], trainings: Mapping[str, Mapping[str, Any]], path: Path
) -> None:
    """Draw one column per version and one arrow per move of the ledger, as SVG.

    Args:
        moves: The ledger's moves, oldest first.
        trainings: By version: ``training_id``, ``rows``, ``positives``, ``first_day``,
            ``last_day``; empty for a rule, which was not trained.
        path: Where the picture goes.
    """
    versions = list(dict.fromkeys(move.to_version for move in moves))
    column = {version: float(number) for number, version in enumerate(versions)}
    figure = Figure(figsize=(3.4 * max(2, len(versions)) + 1, 5.5))
    axes = figure.add_subplot()
    for name, height in ROWS.items():
        axes.text(-0.75, height, name, ha="right", va="center", color="#678")
    for version in versions:
        x = column[version]
        _box(axes, x, ROWS["training set"], _training_words(trainings.get(version, {})))
        _box(axes, x, ROWS["version"], f"version {version}")
        _arrow(axes, (x, ROWS["training set"] - 0.3), (x, ROWS["version"] + 0.15))
        reigns = [move for move in moves if move.to_version == version]
        words = "\n".join(f"{move.kind} {move.at:%m-%d}, {move.who}" for move in reigns)
        _box(axes, x, ROWS["champion"], words)
        _arrow(axes, (x, ROWS["version"] - 0.15), (x, ROWS["champion"] + 0.25))
    axes.set_xlim(-1.4, max(column.values(), default=0.0) + 0.8)
    axes.set_ylim(-0.6, 2.5)
    axes.set_axis_off()
    axes.set_title("Where each champion came from")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def _training_words(training: Mapping[str, Any]) -> str:
    if "training_id" not in training:
        return "none: a rule"
    return (
        f"{training['training_id']}\n{training['rows']} rows, {training['positives']} positive\n"
        f"{training['first_day']} to {training['last_day']}"
    )


def _box(axes: Any, x: float, y: float, words: str) -> None:
    axes.text(x, y, words, ha="center", va="center", fontsize=8, bbox=BOX)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops=ARROW)
