"""Where in a picture a sheet lies, and how it looks from there."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ucu_mlops.simulation.pictures.chance import between, chance
from ucu_mlops.simulation.pictures.sheets import Sheet

Quad = NDArray[np.float64]


def place(rng: np.random.Generator, aspect: float, extent: tuple[int, int], share: float) -> Quad:
    """Choose where a code's corners come to lie.

    Args:
        rng: Source of chance.
        aspect: Height of the code by its width.
        extent: Width and height of the picture, pixels.
        share: Of the largest size at which the code fits in; above 1, a part is cut off.

    Returns:
        Shape (4, 2): x and y of upper left, upper right, lower right, lower left, as the code's
        own reader would call them, however it is turned.
    """
    quad = np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]], np.float64)
    quad /= max(1, aspect)
    tilt = np.clip(rng.normal(0, 0.08, 2), -0.16, 0.16)  # of the plane against the camera
    quad = quad / (1 + quad @ tilt)[:, None]
    quad = quad @ _turn(rng)
    quad -= quad.min(axis=0)
    size = quad.max(axis=0)
    room = np.array(extent, np.float64)
    quad *= share * (room / size).min()
    size = quad.max(axis=0)
    free = room - size
    at: Quad = np.where(free >= 0, rng.random(2), 0.5 + 0.4 * (rng.random(2) - 0.5)) * free
    return quad + at


def _turn(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation: mostly small, at times by quarters or any angle."""
    angle = rng.normal(0, 0.12)
    if chance(rng, 0.3):
        angle += np.pi / 2 * int(rng.integers(1, 4))
    elif chance(rng, 0.15):
        angle = between(rng, 0, 2 * np.pi)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def homography(source: Quad, target: Quad) -> NDArray[np.float64]:
    """Return the eight numbers of the perspective that maps four points onto four others.

    The form is Pillow's: ``x' = (a x + b y + c) / (g x + h y + 1)``, and ``y'`` with d, e, f.
    """
    x, y = source.T
    one, none = np.ones(4), np.zeros(4)
    across = np.stack([x, y, one, none, none, none, -x * target[:, 0], -y * target[:, 0]], axis=1)
    down = np.stack([none, none, none, x, y, one, -x * target[:, 1], -y * target[:, 1]], axis=1)
    solved: NDArray[np.float64] = np.linalg.solve(
        np.concatenate([across, down]), np.concatenate([target[:, 0], target[:, 1]])
    )
    return solved


def apply_homography(numbers: NDArray[np.float64], points: Quad) -> Quad:
    """Map points, shape (n, 2)."""
    matrix = np.append(numbers, 1).reshape(3, 3)
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    result: Quad = mapped[:, :2] / mapped[:, 2:]
    return result


def corners_of(box: Sequence[float]) -> Quad:
    """Return the corners of left, top, right, bottom, in the order of ``place``."""
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def paste(canvas: Image.Image, sheet: Sheet, quad: Quad) -> None:
    """Paste a sheet so that its code's corners come to lie at ``quad``, in perspective."""
    width, height = sheet.image.size
    out = homography(corners_of(sheet.box), quad)
    reached = apply_homography(out, corners_of((0, 0, width, height)))
    low = np.maximum(np.floor(reached.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(reached.max(axis=0)), canvas.size).astype(int)
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    if min(size) < 1:
        return
    back = homography(quad - low, corners_of(sheet.box)).tolist()
    shape, perspective = Image.Resampling.BILINEAR, Image.Transform.PERSPECTIVE
    image = sheet.image.transform(size, perspective, back, shape)
    mask = sheet.mask.transform(size, perspective, back, shape)
    canvas.paste(image, (int(low[0]), int(low[1])), mask)
