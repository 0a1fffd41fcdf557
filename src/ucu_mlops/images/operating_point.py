"""One threshold and what it reached: the recall aimed at is that which left-out groups ask for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.images.labels import ImageLabel

MET = "met"
RECALL_SHORT = "recall_below_wish"
PRECISION_SHORT = "precision_below_floor"
NO_POSITIVES = "no_positives"
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

    @property
    def judged(self) -> tuple[float | None, float | None]:
        """Recall and precision that the state goes by: of the left-out rows where there are."""
        if self.left_out_recall is None:
            return self.recall, self.precision
        return self.left_out_recall, self.left_out_precision


@dataclass(frozen=True)
class Curve:
    """Recall and precision at each distinct score, the highest first.

    A negative score is out of the question: no threshold reaches it.
    """

    scores: Floats
    recall: Floats
    precision: Floats

    @classmethod
    def of(cls, scores: Floats, shown: NDArray[np.bool_]) -> "Curve":
        """Count rows from the highest score down.

        Args:
            scores: Shape ``(n,)``.
            shown: Whether each shows the label.
        """
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= 0]
        ordered = scores[order]
        last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(ordered)), np.bool_))
        hits = np.cumsum(shown[order])[last]
        given = (np.flatnonzero(last) + 1).astype(np.float64)
        return cls(ordered[last], hits / max(int(shown.sum()), 1), hits / given)

    def best(self, aim: float = 0.0, precision_floor: float = 0.0, *, by_f1: bool) -> float:
        """Give the best threshold that reaches the recall, or all that can be reached.

        Args:
            aim: The recall.
            precision_floor: Below it the threshold gives way to the one of the highest recall at
                it or, if no threshold reaches it, to the one of the best F1.
            by_f1: Whether F1 says what is best, else precision.
        """
        if not self.scores.size:
            return NEVER
        enough = self.recall >= min(aim, self.recall[-1]) - 1e-12  # a share of counts
        total = np.maximum(self.precision + self.recall, np.finfo(np.float64).tiny)
        f1 = 2 * self.precision * self.recall / total
        place = int(np.argmax(np.where(enough, f1 if by_f1 else self.precision, -1.0)))
        bearable = np.flatnonzero(self.precision >= precision_floor)
        if self.precision[place] < precision_floor:
            place = int(bearable[-1] if bearable.size else np.argmax(f1))
        return self._midway(place)

    def _midway(self, place: int) -> float:
        upper = min(float(self.scores[place]), 1.0)
        lower = float(self.scores[place + 1]) if place + 1 < len(self.scores) else 0.0
        return NEVER if lower >= 1 else (upper + lower) / 2


def operating_point(
    scores: Floats,
    shown: NDArray[np.bool_],
    groups: NDArray[np.int64],
    label: ImageLabel,
    *,
    by_f1: bool,
) -> OperatingPoint:
    """Choose a threshold as :func:`ucu_mlops.images.thresholds.choose_thresholds` says.

    Args:
        scores: Shape ``(n,)``.
        shown: Whether each image shows the label.
        groups: Number of each image's group.
        label: What is asked.
        by_f1: Whether F1 says what is best, else precision.
    """
    if not shown.any():
        return OperatingPoint(NEVER, NO_POSITIVES)
    folds = list(_folds(groups, shown))
    others = [Curve.of(scores[~fold], shown[~fold]) for fold in folds]
    aims = np.linspace(label.recall, 1.0, AIMS) if folds else [label.recall]
    left_out: tuple[float | None, float | None] = (None, None)
    for aim in aims:
        given = np.zeros(len(scores), np.bool_)
        for fold, curve in zip(folds, others, strict=True):
            given[fold] = scores[fold] >= curve.best(aim, label.precision_floor, by_f1=by_f1)
        if folds and (left_out := _figures(given, shown))[0] >= label.recall:
            break
    threshold = Curve.of(scores, shown).best(aim, label.precision_floor, by_f1=by_f1)
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
