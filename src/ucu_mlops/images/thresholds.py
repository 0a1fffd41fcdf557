"""From which probability on an image gets a label: the wished recall, also on groups never seen.

probabilities, labels, groups → per label a threshold for the network alone and one for the union
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import BundleError, DataError
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.operating_point import (
    MET,
    NEVER,
    NO_POSITIVES,
    Curve,
    Floats,
    OperatingPoint,
    operating_point,
)

READ = 2.0  # the score of what is certain: above every probability
IMPOSSIBLE = -1.0
MIN_BESIDE = 10  # images by which a threshold beside another label can be chosen


@dataclass(frozen=True)
class LabelThreshold:
    """The thresholds of one label.

    Attributes:
        label: Name of the label.
        network: Where the network decides alone.
        union: Where it decides on images in which the reader read nothing.
        beside: From which probability on the network adds the label to an image in which the
            reader read another one.
        positives: Images that show it, among the rows.
        groups: Groups with such images.
    """

    label: str
    network: OperatingPoint
    union: OperatingPoint
    beside: float
    positives: int
    groups: int

    @property
    def threshold(self) -> float:
        """Threshold of the network alone."""
        return self.network.threshold

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> "LabelThreshold":
        """Read what ``asdict`` wrote, as a bundle carries it.

        Raises:
            BundleError: A key is missing, unknown or of no operating point.
        """
        try:
            points = {row: OperatingPoint(**written[row]) for row in ("network", "union")}
            return cls(**{**written, **points})
        except (KeyError, TypeError) as error:
            raise BundleError(
                f"{dict(written)} is no label's threshold: {error}; export the model again"
            ) from error


def choose_thresholds(
    probabilities: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    label_set: LabelSet,
    reader: ArrayLike | None = None,
) -> tuple[LabelThreshold, ...]:
    """Choose per label the threshold that reaches the wished recall at the best precision.

    A threshold for exactly the wished recall on the rows at hand falls short on a new camera or
    uploader. So the recall to aim at on the rows is itself chosen: the lowest, from the wished one
    to 1, at which the groups reach the wished recall, each judged by the threshold of the others
    (leave one group out; all left-out images count alike). Within that recall the threshold with
    the best precision is taken (for the union the best F1: the reader alone may already reach
    the recall, and precision alone would then silence the network); it lies midway to the next
    lower probability, so that rounding changes no decision. Where its precision is below the
    floor, the threshold of the highest recall at the floor replaces it: false alarms stay
    bearable, and the state tells that the recall falls short. Where no threshold reaches the
    floor, the best F1 is taken, and the state tells that.

    An image in which the reader read another label rarely shows this one too, and what the network
    sees there is mostly the code that was read. The union therefore asks more of it there: the
    threshold of the best F1 on such images, or nothing is added to them while fewer than ten show
    the label. A label without an expert is the network's, whatever was read.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        labels: 1, 0 or NaN where unknown, of that shape; unknown ones are left out.
        groups: The group of each image, shape ``(n,)``; empty where unknown, a group of its own.
        label_set: The labels and what is asked of them.
        reader: What the reader found, bool of the shape of the labels; nothing where absent.

    Returns:
        One entry per label, in order.

    Raises:
        DataError: Shapes differ, or a value is no probability or no label.

    References:
        Angelopoulos et al. (2024), "Conformal Risk Control", doi:10.48550/arXiv.2208.02814, for
        choosing the aim by the risk on rows left out.
    """
    scores, truth, found = check_rows(probabilities, labels, reader, label_set)
    names = name_groups(groups, len(scores))
    chosen = []
    for column, label in enumerate(label_set.labels):
        known = ~np.isnan(truth[:, column])
        shown, own = truth[known, column] == 1, names[known]
        alone, read = scores[known, column], found[known]
        network = union = operating_point(alone, shown, own, label, by_f1=False)
        beside = network.threshold
        if label.expert:
            beside = _beside(alone, shown, read, column)
            joint = union_scores(alone, read, column, beside)
            union = operating_point(joint, shown, own, label, by_f1=True)
        n_groups = len(np.unique(own[shown]))
        chosen.append(
            LabelThreshold(label.name, network, union, beside, int(shown.sum()), n_groups)
        )
    return tuple(chosen)


def unmet_wishes(thresholds: Sequence[LabelThreshold], label_set: LabelSet) -> list[str]:
    """Say in a sentence each which labels cannot have both recall and precision.

    Args:
        thresholds: As :func:`choose_thresholds` gives them.
        label_set: The labels.
    """
    sentences = []
    for label, each in zip(label_set.labels, thresholds, strict=True):
        for row, point in (("network", each.network), ("union", each.union)):
            if point.state == NO_POSITIVES and row == "network":
                sentences.append(
                    f"{label.name}: no image among these shows it, so the network never gives it; "
                    "add images that do"
                )
            elif point.state not in {MET, NO_POSITIVES} and (row == "network" or label.expert):
                recall, precision = point.judged
                sentences.append(
                    f"{label.name}: {row} {point.state}: recall {recall:.3f} of {label.recall:g}, "
                    f"precision {precision or 0:.3f} with a floor of {label.precision_floor:g}"
                )
    return sentences


def union_scores(
    probabilities: Floats, reader: NDArray[np.bool_], column: int, beside: float
) -> Floats:
    """Join reader and network: what was read is certain; where nothing was, the network is asked.

    Args:
        probabilities: The network's for one label, shape ``(n,)``.
        reader: What the reader found, shape ``(n, n_labels)``.
        column: Which label.
        beside: The label's threshold where the reader read another one.

    Returns:
        Scores to be compared with the union's threshold, shape ``(n,)``: above every probability
        where the label is certain, below every one where it is out of the question.
    """
    read_another = reader.any(axis=1)
    sure = reader[:, column] | (read_another & (probabilities >= beside))
    return np.where(sure, READ, np.where(read_another, IMPOSSIBLE, probabilities))


def check_rows(
    probabilities: ArrayLike, labels: ArrayLike, reader: ArrayLike | None, label_set: LabelSet
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Take rows to judge apart from what is none.

    Raises:
        DataError: Shapes differ, or a value is no probability or no label.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    truth = np.asarray(labels, dtype=np.float64)
    found = np.zeros(truth.shape, np.bool_) if reader is None else np.asarray(reader, np.bool_)
    wanted = (len(scores), len(label_set.labels))
    if not scores.shape == truth.shape == found.shape == wanted:
        raise DataError(
            f"probabilities, labels and reader must have shape (n, {wanted[1]}) for "
            f"{list(label_set.names)}; got {scores.shape}, {truth.shape}, {found.shape}"
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise DataError("probabilities must lie between 0 and 1, and none may be NaN")
    if not (np.isnan(truth) | np.isin(truth, (0, 1))).all():
        raise DataError("labels must be 0, 1 or NaN where unknown")
    return scores, truth, found


def name_groups(groups: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    """Number the groups; an image without one is a group of its own.

    Raises:
        DataError: There is not one group per image.
    """
    given = np.asarray(groups).astype(str)
    if given.shape != (n_rows,):
        raise DataError(f"groups must have shape ({n_rows},), got {given.shape}")
    _, numbers = np.unique(given, return_inverse=True)
    alone = given == ""
    numbers[alone] = len(given) + np.flatnonzero(alone)
    return numbers.astype(np.int64)


def _beside(
    scores: Floats, shown: NDArray[np.bool_], reader: NDArray[np.bool_], column: int
) -> float:
    """Choose from which probability on a label is added to what the reader read."""
    asked = reader.any(axis=1) & ~reader[:, column]
    if int(shown[asked].sum()) < MIN_BESIDE:
        return NEVER
    return Curve.of(scores[asked], shown[asked]).best(by_f1=True)
