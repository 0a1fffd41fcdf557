"""Words and letters for labels, pages and keys."""

import string
from functools import lru_cache

import numpy as np
from PIL import ImageFont

_LONGEST_WORD = 11


@lru_cache(maxsize=128)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own typeface at a size in pixels: no file of the machine is needed."""
    return ImageFont.load_default(size)


def words(rng: np.random.Generator, n_letters: int) -> str:
    """Return nonsense of about so many letters, in words, with a number now and then."""
    letters = rng.integers(0, len(string.ascii_lowercase), n_letters)
    text = [string.ascii_lowercase[i] for i in letters]
    at = 0
    while True:
        at += int(rng.integers(2, _LONGEST_WORD))
        if at >= n_letters:
            return "".join(text)
        text[at] = " "
        if at + 1 < n_letters and rng.integers(3) == 0:
            text[at + 1] = text[at + 1].upper() if rng.integers(2) else str(rng.integers(10))
