"""All that a report says about one version's probabilities on labelled rows: figures and curves.

labels, probabilities, weights → figures, intervals, reliability, lift, segments
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.quality.bootstrap import Interval, Rows, paired_bootstrap
from ucu_mlops.quality.metrics import (
    CALIBRATION_BINS,
    checked_shares,
    classification_metrics,
    precision_at_capacity,
    recall_at_capacity,
)

UNKNOWN = "unknown"


@dataclass(frozen=True)
class EvaluationOptions:
    """What to report.

    Attributes:
        capacity_share: Share of the rows that moderators could check.
        segments: Columns to report by; a number's edges, or nothing where its values are the
            segments.
        small_segment: Positive rows below which a segment is called small.
        resamples: How many resamples of entities.
        level: Share of the resamples that an interval holds.
        seed: Seed of the resamples.
    """

    capacity_share: float = 0.2
    segments: Mapping[str, Sequence[float]] = field(default_factory=dict)
    small_segment: int = 10
    resamples: int = 300
    level: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if not 0 < self.capacity_share <= 1:
            raise ConfigurationError(
                f"evaluation.capacity_share must be above 0 and at most 1, "
                f"got {self.capacity_share}"
            )
        for name, edges in self.segments.items():
            if list(edges) != sorted(set(edges)):
                raise ConfigurationError(
                    f"evaluation.segments.{name} must rise from edge to edge, got {list(edges)}"
                )


def measure(
    rows: pd.DataFrame, probabilities: str, threshold: float, options: EvaluationOptions
) -> dict[str, Any]:
    """Measure one version.

    Args:
        rows: One row per entity and day: ``entity_id``, ``label`` (0 or 1), ``weight``, the
            column of probabilities and those of the segments.
        probabilities: Name of the column.
        threshold: From which probability on the version asks for a look.
        options: What to report.

    Returns:
        ``metrics``; ``intervals`` of the figures that decide (``low``, ``mid``, ``high``; entities
        resampled); ``reliability`` and ``lift`` (one entry per bin and share); ``segments``.

    Raises:
        NotEnoughDataError: There is one class only.
    """
    labels, weights = rows["label"].to_numpy(), rows["weight"].to_numpy(dtype=np.float64)
    scores = rows[probabilities].to_numpy(dtype=np.float64)
    figures = {
        "recall_at_capacity": recall_at_capacity,
        "precision_at_capacity": precision_at_capacity,
    }
    places = _places(len(rows), options)
    metrics = classification_metrics(labels, scores, threshold, weights) | {
        name: figure(labels, scores, places, weights) for name, figure in figures.items()
    }
    intervals = {
        name: interval(
            rows,
            lambda chosen, figure=figure: figure(  # type: ignore[misc]
                labels[chosen], scores[chosen], _places(chosen.size, options), weights[chosen]
            ),
            options,
        )
        for name, figure in figures.items()
    }
    return {
        "metrics": metrics,
        "intervals": intervals,
        "reliability": reliability(labels, scores, weights),
        "lift": lift(labels, scores, weights),
        "segments": _segments(rows, checked_shares(scores, places), options),
    }


def gain(
    rows: pd.DataFrame, version: str, other: str, options: EvaluationOptions
) -> dict[str, float] | None:
    """Give the interval of how much more recall at capacity a version has than another.

    Returns:
        ``low``, ``mid``, ``high``; None where too few positives were drawn too often.
    """
    labels, weights = rows["label"].to_numpy(), rows["weight"].to_numpy(dtype=np.float64)

    def difference(chosen: Rows) -> float:
        places = _places(chosen.size, options)
        one, two = (
            recall_at_capacity(
                labels[chosen], rows[name].to_numpy()[chosen], places, weights[chosen]
            )
            for name in (version, other)
        )
        return one - two

    return interval(rows, difference, options)


def interval(
    rows: pd.DataFrame, statistic: Callable[[Rows], float], options: EvaluationOptions
) -> dict[str, float] | None:
    """Give a figure's interval over resampled entities, or None where it has none."""
    try:
        found: Interval = paired_bootstrap(
            statistic,
            rows["entity_id"].to_numpy(),
            n=options.resamples,
            seed=options.seed,
            level=options.level,
        )
    except NotEnoughDataError:
        return None
    return found._asdict()


def reliability(labels: Any, scores: Any, weights: Any) -> list[dict[str, float]]:
    """Set promised beside true shares, in bins of equal width.

    Returns:
        Per bin that has rows: ``promised`` and ``true`` (weighted means), ``rows``.
    """
    bins = np.minimum((scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    return [
        {
            "promised": float(np.average(scores[each], weights=weights[each])),
            "true": float(np.average(labels[each], weights=weights[each])),
            "rows": int(each.sum()),
        }
        for each in (bins == number for number in range(CALIBRATION_BINS))
        if weights[each].sum() > 0
    ]


def lift(labels: Any, scores: Any, weights: Any) -> list[dict[str, float]]:
    """Say how many times as many positives the most probable rows hold as random ones would.

    Returns:
        Per tenth of the rows, the most probable first: ``share`` (checked so far) and ``lift``.
    """
    base = float(np.average(labels, weights=weights))
    sizes = [max(1, round(len(labels) * tenth / 10)) for tenth in range(1, 11)]
    return [
        {
            "share": size / len(labels),
            "lift": precision_at_capacity(labels, scores, size, weights) / base,
        }
        for size in sizes
    ]


def segments_of(column: pd.Series, edges: Sequence[float]) -> pd.Series:
    """Name the segment of each row: its value, or between which edges it lies."""
    if not edges:
        return column.astype("object").where(column.notna(), UNKNOWN).astype("str")
    spans = [f"< {edges[0]:g}"]
    spans += [f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
    spans.append(f">= {edges[-1]:g}")
    places = np.searchsorted(edges, column.to_numpy(dtype=np.float64), side="right")
    named = pd.Series(np.array(spans)[places.clip(max=len(edges))], index=column.index)
    return named.where(column.notna(), UNKNOWN).astype("str")


def _segments(
    rows: pd.DataFrame, checked: Any, options: EvaluationOptions
) -> dict[str, dict[str, dict[str, Any]]]:
    """Report by segment what the places, given to the most probable of all rows, find in it."""
    table = pd.DataFrame(
        {
            "positive": rows["label"] * rows["weight"],
            "weight": rows["weight"],
            "checked": checked * rows["weight"],
            "found": checked * rows["label"] * rows["weight"],
            "rows": 1,
            "positives": rows["label"],
        }
    ).astype(float)
    report = {}
    for name, edges in options.segments.items():
        sums = table.groupby(segments_of(rows[name], edges)).sum()
        report[name] = {
            str(segment): {
                "rows": int(each["rows"]),
                "positives": int(each["positives"]),
                "small": bool(each["positives"] < options.small_segment),
                "recall_at_capacity": _share(each["found"], each["positive"]),
                "precision_at_capacity": _share(each["found"], each["checked"]),
                "checked_share": _share(each["checked"], each["weight"]),
            }
            for segment, each in sums.iterrows()
        }
    return report


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _places(n_rows: int, options: EvaluationOptions) -> int:
    return max(1, round(options.capacity_share * n_rows))
