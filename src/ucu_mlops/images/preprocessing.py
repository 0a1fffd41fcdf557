"""A picture as the network sees it: one function for training, batch and online.

picture's content box → antialiased resize → letterbox or stretch → grey or colour → normalised
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import DataError
from ucu_mlops.images.settings import GREY, PreprocessingSettings

FULL_WHITE = 255.0
# ITU-R 601, as Pillow converts.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@lru_cache(maxsize=4096)
def resize_matrix(size: int, wanted: int) -> NDArray[np.float32]:
    """Weights that resize an axis: Pillow's antialiased bilinear filter.

    Args:
        size: Pixels of the axis.
        wanted: Pixels it becomes.

    Returns:
        Shape ``(wanted, size)``; each row sums to 1.
    """
    scale = size / wanted
    support = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    distance = np.abs(np.arange(size) + 0.5 - centres[:, None]) / support
    weights = np.clip(1.0 - distance, 0.0, None)
    # Pillow looks only at the pixels within the support, rounded to whole ones.
    first = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + support + 0.5).astype(np.int64), size)
    index = np.arange(size)
    weights[(index < first[:, None]) | (index >= last[:, None])] = 0.0
    matrix: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


def fitted_size(height: int, width: int, settings: PreprocessingSettings) -> tuple[int, int]:
    """Height and width that a picture takes up within the input."""
    if settings.fit == "stretch":
        return settings.side, settings.side
    scale = settings.side / max(height, width)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def preprocess(
    pixels: NDArray[np.uint8], boxes: NDArray[np.int64], settings: PreprocessingSettings
) -> NDArray[np.float32]:
    """Turn pictures into the network's input.

    Args:
        pixels: Shape ``(n, height, width, channels)``, 1 or 3 channels.
        boxes: Each picture's content: top, left, height, width in pixels, shape ``(n, 4)``.
        settings: Size, colours, scale.

    Returns:
        Shape ``(n, channels, side, side)``.

    Raises:
        DataError: Pixels or boxes of another shape, or a box beyond its picture.
    """
    check_pictures(pixels, boxes)
    inputs = np.zeros((len(pixels), settings.channels, settings.side, settings.side), np.float32)
    for each, picture, box in zip(inputs, pixels, boxes.tolist(), strict=True):
        top, left, height, width = box
        content = picture[top : top + height, left : left + width].astype(np.float32)
        rows, columns = fitted_size(height, width, settings)
        first, start = (settings.side - rows) // 2, (settings.side - columns) // 2
        for channel, plane in enumerate(_planes(content, settings.channels)):
            resized = resize_matrix(height, rows) @ plane @ resize_matrix(width, columns).T
            each[channel, first : first + rows, start : start + columns] = resized
    return normalise(inputs, settings)


def normalise(inputs: NDArray[np.float32], settings: PreprocessingSettings) -> NDArray[np.float32]:
    """Scale 0..255 to the network's units, shape ``(n, channels, side, side)``."""
    mean = np.array(settings.mean, np.float32)[:, None, None]
    std = np.array(settings.std, np.float32)[:, None, None]
    scaled: NDArray[np.float32] = (inputs / np.float32(FULL_WHITE) - mean) / std
    return scaled


def check_pictures(pixels: NDArray[np.uint8], boxes: NDArray[np.int64]) -> None:
    """Refuse pixels and boxes that do not belong together.

    Raises:
        DataError: Another shape or type, or a box beyond its picture.
    """
    if pixels.ndim != 4 or pixels.dtype != np.uint8 or pixels.shape[3] not in {1, 3}:  # noqa: PLR2004  # (n, height, width, channels)
        raise DataError(
            f"pictures must be uint8 of shape (n, height, width, 1 or 3), "
            f"got {pixels.dtype} of shape {pixels.shape}"
        )
    if boxes.shape != (len(pixels), 4):
        raise DataError(f"boxes must have shape ({len(pixels)}, 4), got {boxes.shape}")
    ends = boxes[:, :2] + boxes[:, 2:]
    wrong = (
        (boxes[:, :2] < 0).any(1) | (boxes[:, 2:] < 1).any(1) | (ends > pixels.shape[1:3]).any(1)
    )
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"picture {row} of {pixels.shape[1:3]} pixels has its content at {boxes[row].tolist()} "
            "(top, left, height, width); a box lies within its picture"
        )


def _planes(content: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Colours as planes, shape ``(channels, height, width)``; grey and colour become each other."""
    if channels == GREY and content.shape[2] != GREY:
        return (content @ LUMA)[None]
    planes = np.ascontiguousarray(np.moveaxis(content, 2, 0))
    return np.broadcast_to(planes, (channels, *planes.shape[1:]))
