"""From which probability on an image gets a label: the wished recall, also on groups never seen.

probabilities, labels, groups → per label a threshold for the network alone and one for the union
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import DataError
from ucu_mlops.images.labels import ImageLabel, LabelSet

MET = "met"
RECALL_SHORT = "recall_below_wish"
PRECISION_SHORT = "precision_below_floor"
NO_POSITIVES = "no_positives"

READ = 2.0  # the score of what the reader found: above every probability
FEW_GROUPS = 50  # above it a group left out changes nothing, and costs time
AIMS = 21  # how many recalls, from the wished one to 1, are tried on the rows at hand
NEVER = float(np.nextafter(1.0, 2.0))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and what it reached where it was chosen.

    Attributes:
        threshold: From which probability on the network gives the label.
        state: ``met``; ``recall_below_wish`` (the precision floor holds, the recall falls short);
            ``precision_below_floor``; ``no_positives`` (nothing to choose by: never given).
        recall: On the rows it was chosen on; null without positives.
        precision: On them; null where nothing would get the label.
        left_out_recall: On groups left out, each at the threshold that the others chose, all
            together; null where no group could be left out.
        left_out_precision: As there.
    """

    threshold: float
    state: str
    recall: float | None = None
    precision: float | None = None
    left_out_recall: float | None = None
    left_out_precision: float | None = None


@dataclass(frozen=True)
class LabelThreshold:
    """The thresholds of one label.

    Attributes:
        label: Name of the label.
        network: Where the network decides alone.
        union: Where the network decides on what the reader left.
        positives: Images that show it, among the rows.
        groups: Groups with such images.
    """

    label: str
    network: OperatingPoint
    union: OperatingPoint
    positives: int
    groups: int

    @property
    def threshold(self) -> float:
        """Threshold of the network alone."""
        return self.network.threshold


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
    bearable, and the state tells that the recall falls short.

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
    joint = union_scores(scores, found)
    chosen = []
    for column, label in enumerate(label_set.labels):
        known = ~np.isnan(truth[:, column])
        shown, own = truth[known, column] == 1, names[known]
        chosen.append(
            LabelThreshold(
                label.name,
                _operating_point(scores[known, column], shown, own, label, union=False),
                _operating_point(joint[known, column], shown, own, label, union=True),
                int(shown.sum()),
                len(np.unique(own[shown])),
            )
        )
    return tuple(chosen)


def union_scores(probabilities: Floats, reader: NDArray[np.bool_]) -> Floats:
    """Join reader and network: what the reader found is certain, else the network is asked.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        reader: What the reader found, of that shape.

    Returns:
        Scores of that shape, to be compared with the union's thresholds.
    """
    return np.where(reader, READ, probabilities)


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


@dataclass(frozen=True)
class _Curve:
    """Recall and precision at each distinct score, the highest first."""

    scores: Floats
    recall: Floats
    precision: Floats

    @classmethod
    def of(cls, scores: Floats, shown: NDArray[np.bool_]) -> "_Curve":
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(ordered)), np.bool_))
        hits = np.cumsum(shown[order])[last]
        given = (np.flatnonzero(last) + 1).astype(np.float64)
        return cls(ordered[last], hits / max(int(shown.sum()), 1), hits / given)

    def threshold(self, aim: float, label: ImageLabel, *, union: bool) -> float:
        """Give the best threshold whose recall on these rows is at least ``aim``."""
        enough = self.recall >= aim - 1e-12  # a share of counts
        best = self.precision
        if union:
            best = 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-9)
        place = int(np.argmax(np.where(enough, best, -1.0)))
        bearable = self.precision >= label.precision_floor
        if self.precision[place] < label.precision_floor and bearable.any():
            place = int(np.flatnonzero(bearable)[-1])
        return self._midway(place)

    def _midway(self, place: int) -> float:
        upper = min(float(self.scores[place]), 1.0)
        lower = float(self.scores[place + 1]) if place + 1 < len(self.scores) else 0.0
        return NEVER if lower >= 1 else (upper + lower) / 2


def _operating_point(
    scores: Floats,
    shown: NDArray[np.bool_],
    groups: NDArray[np.int64],
    label: ImageLabel,
    *,
    union: bool,
) -> OperatingPoint:
    if not shown.any():
        return OperatingPoint(NEVER, NO_POSITIVES)
    folds = list(_folds(groups, shown))
    others = [_Curve.of(scores[~fold], shown[~fold]) for fold in folds]
    aims = np.linspace(label.recall, 1.0, AIMS) if folds else [label.recall]
    left_out: tuple[float | None, float | None] = (None, None)
    for aim in aims:
        given = np.zeros(len(scores), np.bool_)
        for fold, curve in zip(folds, others, strict=True):
            given[fold] = scores[fold] >= curve.threshold(aim, label, union=union)
        if folds and (left_out := _figures(given, shown))[0] >= label.recall:
            break
    threshold = _Curve.of(scores, shown).threshold(aim, label, union=union)
    own = _figures(scores >= threshold, shown)
    state = _state(*(left_out if folds else own), label)
    return OperatingPoint(threshold, state, *own, *left_out)


def _folds(groups: NDArray[np.int64], shown: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Leave out one group with positives at a time, and a share of the groups without."""
    leading = np.unique(groups[shown])
    if not 1 < len(leading) <= FEW_GROUPS:
        return
    following = np.setdiff1d(groups, leading)
    for place, group in enumerate(leading):
        yield np.isin(groups, [group, *following[place :: len(leading)]])


def _figures(given: NDArray[np.bool_], shown: NDArray[np.bool_]) -> tuple[float, float | None]:
    hits = int((given & shown).sum())
    return hits / int(shown.sum()), hits / int(given.sum()) if given.any() else None


def _state(recall: float | None, precision: float | None, label: ImageLabel) -> str:
    if precision is None or precision < label.precision_floor:
        return PRECISION_SHORT
    return MET if recall is not None and recall >= label.recall else RECALL_SHORT
