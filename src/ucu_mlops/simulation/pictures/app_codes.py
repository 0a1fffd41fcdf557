"""Codes of an app: a framed field of dots around a mark, without eyes.

No general reader decodes one. They lead off the platform as QR codes do, and so moderators call
them.
"""

import numpy as np
from PIL import Image, ImageDraw

from ucu_mlops.simulation.pictures.chance import between, chance, pick
from ucu_mlops.simulation.pictures.codes import Code
from ucu_mlops.simulation.pictures.writing import font, words

_SCALE = 10  # pixels from dot to dot
_QUIET = 2


def draw_app_code(rng: np.random.Generator) -> Code:
    """Draw a code whose data are which dots of a grid are there.

    Args:
        rng: Source of chance: content, number of dots, frame, mark.
    """
    dots = int(pick(rng, (15, 17, 19, 21)))
    side = (dots + 4) * _SCALE
    page = Image.new("L", (side, side), 255)
    drawing = ImageDraw.Draw(page)
    edge, roundness = between(rng, 0.15, 0.4) * _SCALE, between(rng, 0.12, 0.3) * side
    drawing.rounded_rectangle((0, 0, side - 1, side - 1), roundness, fill=0)
    inner = (edge, edge, side - 1 - edge, side - 1 - edge)
    drawing.rounded_rectangle(inner, roundness - edge, fill=255)
    bits, reach = rng.random((dots, dots)) < between(rng, 0.4, 0.6), between(rng, 0.2, 0.3)
    hole = between(rng, 0.25, 0.32) * dots
    middle = (dots - 1) / 2
    for row, column in np.argwhere(bits):
        across, down = abs(column - middle), abs(row - middle)
        in_corner = across + down > 1.75 * middle
        if in_corner or np.hypot(across, down) <= hole:
            continue
        x, y = (column + 2.5) * _SCALE, (row + 2.5) * _SCALE
        half = reach * _SCALE
        drawing.ellipse((x - half, y - half, x + half, y + half), fill=0)
    _draw_mark(rng, page, (hole - 0.5) * _SCALE)
    return Code("qr_code", "AppCode", np.asarray(page), _QUIET, scale=_SCALE, look="new")


def _draw_mark(rng: np.random.Generator, page: Image.Image, reach: float) -> None:
    """Put the app's mark into the middle."""
    drawing, middle = ImageDraw.Draw(page), page.width / 2
    drawing.ellipse(
        (middle - reach, middle - reach, middle + reach, middle + reach),
        fill=int(rng.integers(0, 170)),
    )
    if chance(rng, 0.8):
        letter = words(rng, 9).strip()[:1].upper()
        at, size = (middle - reach / 3, middle - reach * 0.7), max(8, round(reach * 1.2))
        drawing.text(at, letter, fill=255, font=font(size))
