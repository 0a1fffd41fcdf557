"""The new look of QR codes: dots, round eyes, a logo in the middle."""

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ucu_mlops.simulation.pictures.chance import between, chance, pick
from ucu_mlops.simulation.pictures.codes import QUIET, Code, random_content
from ucu_mlops.simulation.pictures.writing import font, words

_SCALE = 8  # pixels for each module
_EYE = 7  # modules


def draw_fashionable(rng: np.random.Generator) -> Code:
    """Draw a QR code as designers make them: readers cope, for its error level is the highest."""
    version, mask = int(rng.integers(4, 8)), int(rng.integers(8))  # 4 holds 34 letters
    content = random_content(rng, 8, 20)
    symbol = segno.make_qr(content, error="H", version=version, mask=mask, boost_error=False)
    matrix = np.array(symbol.matrix) == 1
    page = Image.fromarray(_dots(rng, matrix))
    n = len(matrix)
    for row, column in ((0, 0), (0, n - _EYE), (n - _EYE, 0)):
        _draw_eye(page, row * _SCALE, column * _SCALE, pick(rng, (0.35, 0.5, 0.5)))
    if chance(rng, 0.85):
        _draw_logo(rng, page)
    return Code("qr_code", "QRCode", np.asarray(page), QUIET, scale=_SCALE, look="new")


def _dots(rng: np.random.Generator, matrix: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Draw each dark module as a dot, or as a bar joined with its neighbours below."""
    y, x = np.mgrid[:_SCALE, :_SCALE] - (_SCALE - 1) / 2
    radius = between(rng, 0.24, 0.4) * _SCALE
    dot = np.hypot(x, y) <= radius
    drawn = np.kron(matrix, dot)
    if chance(rng, 0.35):
        joined = matrix & np.roll(matrix, -1, axis=0)
        joined[-1] = False
        half = np.kron(joined, np.abs(x) <= radius * np.ones_like(y))
        drawn |= half & (np.kron(np.ones_like(matrix), y >= 0) > 0)
        drawn |= np.roll(half, _SCALE, axis=0) & (np.kron(np.ones_like(matrix), y <= 0) > 0)
    return np.where(drawn, 0, 255).astype(np.uint8)


def _draw_eye(page: Image.Image, top: int, left: int, roundness: float) -> None:
    """Draw a finder pattern with round corners: by half its size, it is a ring."""
    drawing, side = ImageDraw.Draw(page), _EYE * _SCALE
    drawing.rectangle((left, top, left + side - 1, top + side - 1), fill=255)
    for inset, fill in ((0, 0), (1, 255), (2, 0)):
        edge = inset * _SCALE
        box = (left + edge, top + edge, left + side - edge - 1, top + side - edge - 1)
        drawing.rounded_rectangle(box, roundness * (side - 2 * edge), fill=fill)


def _draw_logo(rng: np.random.Generator, page: Image.Image) -> None:
    """Put a mark on a clear ground into the middle."""
    drawing, middle = ImageDraw.Draw(page), page.width / 2
    reach = page.width * between(rng, 0.12, 0.18)
    box = (middle - reach, middle - reach, middle + reach, middle + reach)
    inner = tuple(middle + sign * reach * 0.8 for sign in (-1, -1, 1, 1))
    drawing.ellipse(box, fill=255)
    if chance(rng, 0.5):
        drawing.ellipse(inner, fill=int(rng.integers(0, 150)))
    letter = words(rng, 9).strip()[:1].upper()
    face = font(max(8, round(reach * 1.2)))
    drawing.text((middle - reach / 3, middle - reach * 0.75), letter, fill=255, font=face)
