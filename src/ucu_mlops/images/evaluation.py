"""What an image model is worth on labelled images: network, reader and both together.

probabilities, reader's answers, labels, thresholds → per label and row: figures and intervals
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from ucu_mlops.errors import DataError
from ucu_mlops.images.figures import (
    Counts,
    average_precision,
    count_images,
    figures_of,
    macro_f1,
    mistakes_of,
    named_counts,
)
from ucu_mlops.images.intervals import ImageEvaluationOptions, intervals
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.policy import ROWS, Floats, Given, decide
from ucu_mlops.images.thresholds import LabelThreshold, check_rows, name_groups, unmet_wishes


@dataclass(frozen=True)
class Judged:
    """Labelled images with what network and reader say of them.

    Attributes:
        probabilities: Shape ``(n, n_labels)``.
        reader: What the reader found, bool of that shape.
        labels: 1, 0 or NaN where unknown, of that shape.
        groups: The group of each image, shape ``(n,)``; empty where unknown.
    """

    probabilities: ArrayLike
    reader: ArrayLike
    labels: ArrayLike
    groups: ArrayLike


def evaluate(
    judged: Judged,
    thresholds: Sequence[LabelThreshold],
    label_set: LabelSet,
    options: ImageEvaluationOptions,
) -> dict[str, Any]:
    """Report every label by every row.

    A figure that cannot be computed is null: recall without an image that shows the label,
    precision where nothing was given it, the reader's where the label has no expert.

    Args:
        judged: The images.
        thresholds: The model's, one per label, in order.
        label_set: The labels.
        options: How certain the figures are told to be.

    Returns:
        A JSON object. ``images``; ``macro_f1`` (the mean over labels that have one) by row;
        ``code_free``: ``pictures`` known to show no label, and how many of them ``network`` and
        ``union`` give one; ``per_label``: by row ``precision``, ``recall``, ``f1``, ``support``
        (images that show it), for the network ``average_precision`` and ``threshold``, for the
        union ``threshold``; ``decides``: by label the row that the policy follows;
        ``confusion``: by label and row ``tp``, ``fp``, ``fn``, ``tn``; ``mistakes``: by row,
        ``together`` (images with a mistake in both labels) and ``instead`` (images given the first
        label, which they lack, and not the second, which they show); ``thresholds`` as chosen;
        ``unmet``: the wishes that they do not meet; ``intervals``: see
        :func:`ucu_mlops.images.intervals.intervals`.

    Raises:
        DataError: Shapes differ, thresholds are of other labels, or values are no probabilities
            or labels.
    """
    names = label_set.names
    if tuple(each.label for each in thresholds) != names:
        raise DataError(
            f"thresholds are of {[each.label for each in thresholds]}, labels are {list(names)}; "
            "evaluate with the label set that the model was trained on"
        )
    scores, truth, found = check_rows(judged.probabilities, judged.labels, judged.reader, label_set)
    groups = name_groups(judged.groups, len(scores))
    given = decide(scores, found, thresholds)
    counts = {row: count_images(given[row], truth) for row in ROWS}
    counts["reader"][:, [not each.expert for each in label_set.labels]] = 0  # no such row
    return {
        "images": len(scores),
        "macro_f1": {row: macro_f1(counts[row].sum(axis=0)) for row in ROWS},
        "code_free": _code_free(truth, given),
        "per_label": {
            name: _label(truth[:, place], scores[:, place], counts, place, thresholds[place])
            for place, name in enumerate(names)
        },
        "decides": {label.name: label.decides for label in label_set.labels},
        "confusion": {
            name: {row: named_counts(counts[row][:, place].sum(axis=0)) for row in ROWS}
            for place, name in enumerate(names)
        },
        "mistakes": {row: mistakes_of(given[row], truth, names) for row in ROWS},
        "thresholds": {each.label: asdict(each) for each in thresholds},
        "unmet": unmet_wishes(thresholds, label_set),
        "intervals": intervals(scores, truth, groups, counts, names, options),
    }


def _label(
    truth: Floats,
    scores: Floats,
    counts: dict[str, Counts],
    place: int,
    threshold: LabelThreshold,
) -> dict[str, dict[str, Any]]:
    support = {"support": int((truth == 1).sum())}
    rows: dict[str, dict[str, Any]] = {
        row: figures_of(counts[row][:, place].sum(axis=0)) | support for row in ROWS
    }
    rows["network"] |= {
        "average_precision": average_precision(truth, scores),
        "threshold": threshold.network.threshold,
    }
    rows["union"]["threshold"] = threshold.union.threshold
    return rows


def _code_free(truth: Floats, given: dict[str, Given]) -> dict[str, int]:
    free = (truth == 0).all(axis=1)
    flagged = {
        f"flagged_{row}": int(given[row][free].any(axis=1).sum()) for row in ("network", "union")
    }
    return {"pictures": int(free.sum()), **flagged}


def list_metrics(evaluation: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Name the figures as MLflow keeps them; what is null is left out.

    Args:
        evaluation: As :func:`evaluate` gives it.

    Returns:
        ``macro_f1.<row>``, ``code_free.<count>`` and ``<label>.<row>.<figure>`` to
        ``{"value": …, "step": 0}``.
    """
    figures = {
        f"{part}.{name}": value
        for part in ("macro_f1", "code_free")
        for name, value in evaluation[part].items()
    }
    figures |= {
        f"{label}.{row}.{name}": value
        for label, rows in evaluation["per_label"].items()
        for row, named in rows.items()
        for name, value in named.items()
    }
    return {
        name: {"value": float(value), "step": 0}
        for name, value in figures.items()
        if value is not None
    }
