"""How certain an image model is known: groups resampled, or images where groups are few."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.images.figures import Counts, Floats, average_precision, figures_of, macro_f1
from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.bootstrap import Rows, paired_bootstrap
from ucu_mlops.quality.checks import COUNT, COUNT_OR_NONE, INNER_SHARE, check_numbers

FIGURES = ("precision", "recall", "f1")

Statistic = Callable[[Rows], float | None]


@dataclass(frozen=True)
class ImageEvaluationOptions:
    """How certain the figures are told to be.

    Attributes:
        resamples: How many resamples.
        level: Share of the resamples that an interval holds.
        seed: Seed of the resamples.
        min_groups: Groups from which on whole groups are resampled; with fewer, images are, and
            the intervals are too narrow for another camera.
    """

    resamples: int = 300
    level: float = 0.9
    seed: int = 0
    min_groups: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot be resampled."""
        check_numbers(
            self,
            "images.evaluation",
            FILE,
            resamples=COUNT,
            level=INNER_SHARE,
            seed=COUNT_OR_NONE,
            min_groups=COUNT_OR_NONE,
        )


def intervals(
    probabilities: Floats,
    labels: Floats,
    groups: NDArray[np.int64],
    counts: Mapping[str, Counts],
    names: Sequence[str],
    options: ImageEvaluationOptions,
) -> dict[str, Any]:
    """Resample every figure of the report.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        labels: 1, 0 or NaN where unknown, of that shape.
        groups: Number of each image's group, shape ``(n,)``.
        counts: By row of the report, 0 or 1, shape ``(n, n_labels, 4)``.
        names: The labels.
        options: How.

    Returns:
        A JSON object: ``resampled`` (``groups`` or ``images``), ``level``, ``macro_f1`` by row and
        ``per_label`` by label, row and figure: ``low``, ``mid``, ``high``; null where the figure
        is, or on most resamples.
    """
    many = len(np.unique(groups)) >= options.min_groups
    interval = partial(
        _interval, entities=groups if many else np.arange(len(groups)), options=options
    )
    per_label: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(names):
        per_label[name] = {
            row: {each: interval(partial(_figure, own[:, place], each)) for each in FIGURES}
            for row, own in counts.items()
        }
        ranking = partial(_ranking, labels[:, place], probabilities[:, place])
        per_label[name]["network"]["average_precision"] = interval(ranking)
    return {
        "resampled": "groups" if many else "images",
        "level": options.level,
        "macro_f1": {row: interval(partial(_macro_f1, own)) for row, own in counts.items()},
        "per_label": per_label,
    }


def _figure(counts: Counts, name: str, rows: Rows) -> float | None:
    return figures_of(counts[rows].sum(axis=0))[name]


def _macro_f1(counts: Counts, rows: Rows) -> float | None:
    return macro_f1(counts[rows].sum(axis=0))


def _ranking(labels: Floats, probabilities: Floats, rows: Rows) -> float | None:
    return average_precision(labels[rows], probabilities[rows])


def _interval(
    statistic: Statistic, *, entities: NDArray[np.int64], options: ImageEvaluationOptions
) -> dict[str, float] | None:
    def figure(rows: Rows) -> float:
        value = statistic(rows)
        if value is None:
            raise NotEnoughDataError("the figure is null on these rows")
        return value

    try:
        found = paired_bootstrap(
            figure, entities, n=options.resamples, level=options.level, seed=options.seed
        )
    except NotEnoughDataError:
        return None
    return found._asdict()
