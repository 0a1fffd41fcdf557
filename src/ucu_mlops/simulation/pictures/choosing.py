"""What a picture shows: which codes, on which background, how wide."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ucu_mlops.simulation.pictures.app_codes import draw_app_code
from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick
from ucu_mlops.simulation.pictures.codes import Code, draw_code
from ucu_mlops.simulation.pictures.looks import draw_fashionable
from ucu_mlops.simulation.pictures.names import LABELS
from ucu_mlops.simulation.pictures.options import PictureOptions

_CODES = 1_500  # kept of each label
# Linear codes are told from all else after few pictures; what is like each other asks for more.
_SHARES = {"qr_code": 1.0, "matrix_code": 1.2, "linear_barcode": 0.6}
_OTHER_CODES = 0.3  # as many pictures of a label not asked for as of one asked for
_EASY = ("plain", "plain", "plain", "packaging", "packaging", "scene", "text_page", "shelves")


def choose_labels(rng: np.random.Generator, options: PictureOptions) -> list[str]:
    """Choose the labels of a picture's codes, one for each code; none is a negative."""
    if chance(rng, options.negatives):
        return []
    asked = np.array([1 if label in options.labels else _OTHER_CODES for label in LABELS])
    weights = asked * [_SHARES[label] for label in LABELS]
    edges = np.cumsum(weights[:-1] / weights.sum())
    n = int(rng.integers(2, 4)) if chance(rng, options.several) else 1
    return [LABELS[number] for number in np.searchsorted(edges, rng.random(n))]


def choose_code(rng: np.random.Generator, seed: int, label: str, options: PictureOptions) -> Code:
    """Choose one of the set's codes, of QR codes a share in the new look, or an app's."""
    look = _choose_look(rng, options) if label == "qr_code" else "usual"
    return _code(seed, label, int(rng.integers(_CODES)), look)


def _choose_look(rng: np.random.Generator, options: PictureOptions) -> str:
    """Choose by one number, whatever the shares: all else of a picture stays the same."""
    number, fashionable = rng.random(), options.new_look
    if number < fashionable:
        return "fashionable"
    return "app" if number < fashionable + (1 - fashionable) * options.app_codes else "usual"


@lru_cache(maxsize=len(LABELS) * _CODES)
def _code(seed: int, label: str, number: int, look: str) -> Code:
    rng = np.random.default_rng([seed, 2, LABELS.index(label), number])
    if look == "usual":
        return draw_code(rng, label)
    return draw_fashionable(rng) if look == "fashionable" else draw_app_code(rng)


def choose_family(rng: np.random.Generator, options: PictureOptions, *, is_free: bool) -> str:
    """Choose a background; codes lie on easy ones more often."""
    easy = [family for family in _EASY if family in options.families]
    if easy and chance(rng, 0.15 if is_free else 0.6):
        return pick(rng, easy)
    return pick(rng, options.families)


def choose_extent(rng: np.random.Generator, codes: Sequence[Code], side: int) -> tuple[int, int]:
    """Choose width and height: those of cameras, or a strip around a linear code."""
    aspect = pick(rng, (1, 1, 4 / 3, 4 / 3, 3 / 4, 3 / 2, 16 / 9))
    if codes and codes[0].label == "linear_barcode" and chance(rng, 0.15):
        aspect = log_uniform(rng, 1.6, 4.5)
    if aspect > 1:
        return side, round(side / aspect)
    return round(side * aspect), side


def choose_aspect(rng: np.random.Generator, code: Code) -> float:
    """Return height by width: of linear codes anything, of the others as it is printed."""
    rows, columns = code.modules.shape
    if rows == 1:  # mostly half as high as wide, at times a ribbon
        return log_uniform(rng, 0.1, 0.3) if chance(rng, 0.25) else log_uniform(rng, 0.3, 1)
    stretch = between(rng, 1, 3) if code.kind in {"PDF417", "CompactPDF417"} else 1
    return float(rows / columns * stretch)
