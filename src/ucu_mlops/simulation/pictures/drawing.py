"""Drawn pictures with and without codes, letterboxed as a network takes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.simulation.pictures.choosing import choose_labels
from ucu_mlops.simulation.pictures.options import PictureOptions
from ucu_mlops.simulation.pictures.painting import paint
from ucu_mlops.simulation.pictures.placing import Quad


@dataclass(frozen=True)
class DrawnPictures:
    """Pictures to train on, letterboxed like the images of a shard.

    Attributes:
        pixels: Shape (n, side, side, channels), uint8.
        boxes: Shape (n, 4), int64: top, left, height and width of what is no padding.
        labels: Shape (n, n_labels), bool, in the order of the names asked for.
        corners: For each picture, for each code of a label asked for: the label's position and
            shape (4, 2), float32: x, y of the code's corners in the picture, within ``boxes``.
        group: The background's family, ``screen`` without one, shape (n,).
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.int64]
    labels: NDArray[np.bool_]
    corners: tuple[tuple[tuple[int, NDArray[np.float32]], ...], ...]
    group: NDArray[np.str_]


def draw_pictures(seed: int, n: int, options: PictureOptions, first: int = 0) -> DrawnPictures:
    """Draw a range of a set of pictures.

    Each picture hangs on the seed and its position alone, so any range can be drawn alone.

    Args:
        seed: Of the set.
        n: How many.
        options: How they are drawn.
        first: Position of the first one in the set.

    Returns:
        The pictures.
    """
    side, names = options.side, options.labels
    pixels = np.zeros((n, side, side, options.channels), np.uint8)
    boxes = np.zeros((n, 4), np.int64)
    labels = np.zeros((n, len(names)), np.bool_)
    corners, group = [], []
    for row in range(n):
        rng = np.random.default_rng([seed, 0, first + row])
        drawn = paint(rng, seed, options, choose_labels(rng, options))
        width, height = drawn.image.size
        top, left = (side - height) // 2, (side - width) // 2
        image = drawn.image if options.channels == 1 else drawn.image.convert("RGB")
        content = np.asarray(image).reshape(height, width, -1)
        pixels[row, top : top + height, left : left + width] = content
        boxes[row] = top, left, height, width
        found = tuple(
            (names.index(label), _within(quad, (left, top, width, height)))
            for label, quad in drawn.corners
            if label in names
        )
        labels[row, [position for position, _ in found]] = True
        corners.append(found)
        group.append(drawn.family)
    return DrawnPictures(pixels, boxes, labels, tuple(corners), np.array(group, dtype=np.str_))


def _within(quad: Quad, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Return corners in the letterboxed picture; what was cut off ends at the edge."""
    left, top, width, height = box
    seen: NDArray[np.float32] = np.clip(quad, 0, (width, height)).astype(np.float32)
    return seen + np.array([left, top], np.float32)
