"""Sheets on bottles and tins: bent about an axis, narrower and darker towards the edges."""

import numpy as np
from PIL import Image

from ucu_mlops.simulation.pictures.chance import between, chance
from ucu_mlops.simulation.pictures.sheets import Sheet


def bend(rng: np.random.Generator, sheet: Sheet) -> Sheet:
    """Lay a sheet around a cylinder whose axis stands upright or lies.

    Args:
        rng: Source of chance.
        sheet: A flat sheet.

    Returns:
        The sheet as seen from the front; its box encloses the bent code.
    """
    if chance(rng, 0.5):
        return _bend_across(rng, sheet)
    return _transposed(_bend_across(rng, _transposed(sheet)))


def _transposed(sheet: Sheet) -> Sheet:
    turn = Image.Transpose.TRANSPOSE
    left, top, right, bottom = sheet.box
    box = (top, left, bottom, right)
    return Sheet(sheet.image.transpose(turn), sheet.mask.transpose(turn), box)


def _bend_across(rng: np.random.Generator, sheet: Sheet) -> Sheet:
    """Bend about an upright axis: columns close up towards the sides, rows sag."""
    image, mask = np.asarray(sheet.image), np.asarray(sheet.mask)
    height, width = mask.shape
    half = between(rng, 0.4, 1.35)  # radians that the sheet reaches to either side
    sag = between(rng, -0.12, 0.12) * width * (1 - np.cos(half))
    seen = np.linspace(-1, 1, width)
    angle = np.arcsin(seen * np.sin(half))
    column = np.clip(np.round((angle / half + 1) / 2 * (width - 1)), 0, width - 1).astype(np.int64)
    drop = sag * (1 - np.cos(angle)) / (1 - np.cos(half))
    row = np.round(np.arange(height)[:, None] - drop).astype(np.int64)
    is_there = (row >= 0) & (row < height)
    row = np.clip(row, 0, height - 1)
    shade = np.cos(angle * between(rng, 0.3, 0.9))
    bent = image[row, column] * (shade if image.ndim == mask.ndim else shade[:, None])
    left, top, right, bottom = sheet.box
    low, high = (
        float(np.sin((2 * edge / width - 1) * half) / np.sin(half) + 1) / 2 * width
        for edge in (left, right)
    )
    below = np.interp(np.linspace(low, high, 9), np.arange(width), drop)
    return Sheet(
        Image.fromarray(bent.astype(np.uint8)),
        Image.fromarray(np.where(is_there, mask[row, column], 0).astype(np.uint8)),
        (low, top + float(below.min()), high, bottom + float(below.max())),
    )
