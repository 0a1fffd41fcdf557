"""How much recall a model loses where pictures are worse than those it learnt from, and a gate.

pixels → distorted by kind and strength → probabilities → recall and precision per label → failures
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.figures import count_images, figures_of
from ucu_mlops.images.thresholds import LabelThreshold

Pixels = NDArray[np.uint8]
Boxes = NDArray[np.int64]
Predict = Callable[[Pixels, Boxes], NDArray[np.float64]]

KINDS = ("jpeg_quality", "scale", "rotation", "blur", "crop")
UNTOUCHED = "untouched"
BATCH = 256  # pictures distorted at a time; 75 MB at 320 px in colour


@dataclass(frozen=True)
class RobustnessOptions:
    """What to try, and how much recall may be lost.

    Attributes:
        allowed: By kind (``jpeg_quality``, ``scale``, ``rotation``, ``blur``, ``crop``) and
            strength (as the kind takes it: quality, share of each side, degrees, sigma in pixels,
            share of each side): by how much no label's recall may fall; 0..1.
        min_positives: Pictures below which a label's recall is told and not gated: one picture
            more or less would decide.
    """

    allowed: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    min_positives: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be tried or lost."""
        for kind, by_strength in self.allowed.items():
            if kind not in KINDS:
                raise ConfigurationError(
                    f"images.robustness.allowed names {kind!r}; known are {', '.join(KINDS)}"
                )
            for strength, fall in by_strength.items():
                if not float(strength) > 0 or not 0 <= fall <= 1:
                    raise ConfigurationError(
                        f"images.robustness.allowed.{kind}: strengths must be above 0 and falls "
                        f"between 0 and 1, got {strength!r}: {fall!r}"
                    )


def measure_robustness(
    pixels: Pixels,
    boxes: Boxes,
    labels: ArrayLike,
    predict: Predict,
    thresholds: Sequence[LabelThreshold],
    options: RobustnessOptions,
) -> pd.DataFrame:
    """Distort the pictures in every way and ask the network again.

    Args:
        pixels: Letterboxed pictures, shape ``(n, side, side, channels)``, 1 or 3 channels.
        boxes: Where each picture's content lies: top, left, height, width; shape ``(n, 4)``.
        labels: 1, 0 or NaN where unknown, shape ``(n, n_labels)``.
        predict: Gives probabilities, shape ``(n, n_labels)``, of pixels and boxes.
        thresholds: The model's, one per label, in order; the network's alone are used.
        options: What to try.

    Returns:
        One row per distortion, strength and label, the untouched pictures first: ``distortion``
        (string), ``strength`` (float; NaN untouched), ``label``, ``positives`` (int),
        ``recall``, ``precision`` (NaN where there is none), ``fall`` (of the recall from the
        untouched), ``allowed`` (NaN where it is not gated) and ``failed`` (bool).

    Raises:
        DataError: Shapes do not fit.
    """
    truth = np.asarray(labels, dtype=np.float64)
    if not (len(pixels) == len(boxes) == len(truth)) or truth.shape[1:] != (len(thresholds),):
        raise DataError(
            f"robustness: {len(pixels)} pictures, {len(boxes)} boxes, labels {truth.shape} and "
            f"{len(thresholds)} thresholds do not fit"
        )
    least = np.array([each.network.threshold for each in thresholds])

    def rows(kind: str, strength: float) -> Iterator[dict[str, object]]:
        asked = [
            predict(_distorted(kind, strength, pixels[rows], boxes[rows]), boxes[rows])
            for rows in _batches(len(pixels))
        ]
        given = np.concatenate(asked) >= least if asked else np.zeros(truth.shape, np.bool_)
        for each, counts in zip(thresholds, count_images(given, truth).sum(axis=0), strict=True):
            yield {
                "distortion": kind,
                "strength": strength,
                "label": each.label,
                "positives": int(counts[0] + counts[2]),
                **{name: figures_of(counts)[name] for name in ("recall", "precision")},
            }

    tries = [(UNTOUCHED, np.nan)] + [
        (kind, float(strength)) for kind, each in options.allowed.items() for strength in each
    ]
    table = pd.DataFrame([row for kind, strength in tries for row in rows(kind, strength)])
    return _judged(table.astype({"recall": "float64", "precision": "float64"}), options)


def robustness_failures(table: pd.DataFrame) -> list[str]:
    """Say in a sentence each where recall fell by more than allowed.

    Args:
        table: As :func:`measure_robustness` gives it.
    """
    return [
        f"{row.label}: recall falls by {row.fall:.3f} to {row.recall:.3f} at "
        f"{row.distortion} {row.strength:g}; {row.allowed:.3f} is allowed"
        for row in table[table["failed"]].itertuples()
    ]


def _judged(table: pd.DataFrame, options: RobustnessOptions) -> pd.DataFrame:
    whole = table[table["distortion"] == UNTOUCHED].set_index("label")["recall"]
    touched = table["distortion"] != UNTOUCHED
    gated = touched & (table["positives"] >= options.min_positives)
    allowed = [
        options.allowed[kind][strength] if kind != UNTOUCHED else np.nan
        for kind, strength in zip(table["distortion"], table["strength"], strict=True)
    ]
    table["fall"] = table["label"].map(whole) - table["recall"]
    table["allowed"] = pd.Series(allowed, table.index, dtype="float64").where(gated)
    table["failed"] = table["fall"] > table["allowed"] + 1e-12  # shares of counts
    return table


def _batches(n: int) -> Iterator[slice]:
    return (slice(start, start + BATCH) for start in range(0, n, BATCH))


def _distorted(kind: str, strength: float, pixels: Pixels, boxes: Boxes) -> Pixels:
    if kind == UNTOUCHED:
        return pixels
    from PIL import Image  # noqa: PLC0415 (an extra)

    from ucu_mlops.images.distortions import DISTORTIONS  # noqa: PLC0415 (needs the extra)

    distorted = pixels.copy()
    for place, (top, left, height, width) in enumerate(boxes):
        content = distorted[place, top : top + height, left : left + width]
        picture = Image.fromarray(content.squeeze(axis=2) if content.shape[2] == 1 else content)
        content[...] = np.asarray(DISTORTIONS[kind](picture, strength)).reshape(content.shape)
    return distorted
