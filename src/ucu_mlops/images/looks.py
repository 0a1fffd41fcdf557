"""The second look: classify, crop to the tokens that fired, classify the crop in more detail.

A small code covers few pixels of the whole picture; the crop shows it at the stored resolution.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.images.preprocessing import fitted_size, preprocess
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings

# Inputs (n, channels, side, side) → probabilities (n, n_labels) and (n, n_tokens, n_labels).
Look = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
# Pictures prepared and classified at once.
AT_ONCE = 64


def classify(
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.int64],
    look: Look,
    settings: PreprocessingSettings,
    options: LookOptions,
) -> NDArray[np.float64]:
    """Classify pictures in one look or two.

    Args:
        pixels: Shape ``(n, height, width, channels)``.
        boxes: Content of each: top, left, height, width, shape ``(n, 4)``.
        look: The network.
        settings: What the network is fed.
        options: How many looks, and where the second goes.

    Returns:
        Probabilities, shape ``(n, n_labels)``.
    """
    answers = []
    for first in range(0, len(pixels), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        answers.append(_classify_part(pixels[part], boxes[part], look, settings, options))
    return np.concatenate(answers) if answers else np.zeros((0, 0))


def second_boxes(
    tokens: NDArray[np.float32],
    boxes: NDArray[np.int64],
    settings: PreprocessingSettings,
    options: LookOptions,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where to look again.

    Args:
        tokens: Probabilities, shape ``(n, n_tokens, n_labels)``.
        boxes: What the first look saw, shape ``(n, 4)``.
        settings: What the network is fed.
        options: From which probability on a token fired, and the margin.

    Returns:
        Boxes, shape ``(n, 4)``, and whether any token fired, shape ``(n,)``; without one the box
        stays.
    """
    grid = round(tokens.shape[1] ** 0.5)
    fired = (tokens.max(axis=2) >= options.fired).reshape(-1, grid, grid)
    found = fired.any(axis=(1, 2))
    second = boxes.copy()
    for row in np.flatnonzero(found):
        second[row] = _crop(fired[row], boxes[row], settings, options)
    return second, found


def _classify_part(
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.int64],
    look: Look,
    settings: PreprocessingSettings,
    options: LookOptions,
) -> NDArray[np.float64]:
    """Classify pictures that fit the memory."""
    first, tokens = look(preprocess(pixels, boxes, settings))
    answers = first.astype(np.float64)
    if options.looks == 1:
        return answers
    crops, found = second_boxes(tokens, boxes, settings, options)
    if found.any():
        second, _ = look(preprocess(pixels[found], crops[found], settings))
        answers[found] = (1 - options.weight) * answers[found] + options.weight * second
    return answers


def _crop(
    fired: NDArray[np.bool_],
    box: NDArray[np.int64],
    settings: PreprocessingSettings,
    options: LookOptions,
) -> NDArray[np.int64]:
    """The fired tokens' rectangle, widened to a square with a margin, within the picture."""
    start, size = box[:2].astype(np.float64), box[2:].astype(np.float64)
    fitted = np.array(fitted_size(int(box[2]), int(box[3]), settings))
    offset = (settings.side - fitted) // 2
    cell = settings.side / len(fired)
    low = np.array([np.flatnonzero(fired.any(axis=1))[0], np.flatnonzero(fired.any(axis=0))[0]])
    high = np.array([np.flatnonzero(fired.any(axis=1))[-1], np.flatnonzero(fired.any(axis=0))[-1]])
    # From tokens to the input's pixels to the stored picture's.
    top_left = (low * cell - offset) * size / fitted
    bottom_right = ((high + 1) * cell - offset) * size / fitted
    middle = (top_left + bottom_right) / 2
    side = (bottom_right - top_left).max() * (1 + 2 * options.margin)
    side = max(side, options.smallest * size.max())
    extent = np.minimum(side, size)
    corner = np.clip(middle - extent / 2, 0, size - extent)
    first = np.floor(start + corner).astype(np.int64)
    last = np.minimum(np.ceil(start + corner + extent), start + size).astype(np.int64)
    return np.concatenate([first, np.maximum(last - first, 1)])
