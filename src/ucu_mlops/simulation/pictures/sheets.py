"""What is pasted into a picture: a label with a code and what stands around it, or without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from ucu_mlops.simulation.pictures.backgrounds import BACKGROUND_SIDE, background
from ucu_mlops.simulation.pictures.chance import between, chance, pick
from ucu_mlops.simulation.pictures.codes import Code
from ucu_mlops.simulation.pictures.scenery import ink, write_lines
from ucu_mlops.simulation.pictures.writing import font

Mode = Literal["L", "RGB"]
Ink = tuple[int, ...]
_DECOYS = ("text_page", "grid", "checkerboard", "stripes", "crossword", "halftone", "marble")
_DECOY_VARIANTS = 6
_GUARDED = ("EAN13", "EAN8", "UPCA", "UPCE")
_LEAST_BOLD = 11  # pixels
_DARK_GROUND = 100
# Tight around the code; a label with words; a page, most of which lies beyond the picture.
_MANNERS = ("tight", "tight", "label", "label", "page")


@dataclass(frozen=True)
class Sheet:
    """A flat thing to paste.

    Attributes:
        image: What is on it.
        mask: Where it is (255) and is not (0), as large as ``image``.
        box: Where the code lies on it: left, top, right, bottom, pixels.
    """

    image: Image.Image
    mask: Image.Image
    box: tuple[float, float, float, float]


def print_code(code: Code, width: int, height: int) -> Image.Image:
    """Return a code of this size in pixels, black on white; small modules become grey."""
    return Image.fromarray(code.modules).resize((width, height), Image.Resampling.BOX)


def colours(rng: np.random.Generator, mode: Mode, look: str = "usual") -> tuple[Ink, Ink]:
    """Return ink and paper: mostly dark on light, in the new look often the other way about."""
    dark, light = ink(rng, 0, 70), ink(rng, 190, 255)
    kind = rng.random()
    if kind < 0.5:  # noqa: PLR2004 - half are plainly black on white
        dark, light = (int(rng.integers(0, 40)),) * 3, (int(rng.integers(215, 256)),) * 3
    elif kind < 0.7:  # noqa: PLR2004 - a fifth are print on coloured or grey board
        light = ink(rng, 110, 230)
    if chance(rng, 0.8 if look == "new" else 0.06):
        dark, light = light, dark
    if mode == "L":
        return tuple(int(np.mean(dark)) for _ in "L"), tuple(int(np.mean(light)) for _ in "L")
    return dark, light


def tint(image: Image.Image, dark: Ink, light: Ink) -> Image.Image:
    """Colour a black and white image; the number of channels is that of the colours."""
    if len(dark) == 1:
        low, reach = dark[0], light[0] - dark[0]
        return image.point([low + reach * value // 255 for value in range(256)])
    return ImageOps.colorize(image, dark, light)


def label_sheet(rng: np.random.Generator, code: Code, size: tuple[int, int], mode: Mode) -> Sheet:
    """Lay out a label with a code, its quiet zone and at times print around it.

    Args:
        rng: Source of chance.
        code: The code.
        size: Its width and height in pixels.
        mode: Pillow's mode of the sheet.

    Returns:
        The sheet.
    """
    width, height = size
    dark, light = colours(rng, mode, code.look)
    module = width / code.columns
    quiet = max(2, round(code.quiet * module * between(rng, 0.4, 1.3)))
    manner = pick(rng, _MANNERS)
    left, top, right, bottom = _margins(rng, quiet, min(size), manner)
    if code.label == "linear_barcode":
        top, bottom = max(2, top // 2), max(bottom, round(0.25 * min(height, 90)))
    sheet = Image.new(mode, (left + width + right, top + height + bottom), light)
    sheet.paste(tint(print_code(code, width, height), dark, light), (left, top))
    if code.text and chance(rng, 0.8):
        _write_digits(rng, sheet, code, (left, top + height, width), (dark, light))
    if manner != "tight":
        _write_around(rng, sheet, (quiet, (left, top, width, height)), dark)
    box = (left, top, left + width, top + height)
    return Sheet(sheet, _outline(rng, sheet.size), box)


def _margins(rng: np.random.Generator, quiet: int, edge: int, manner: str) -> list[int]:
    """Return the width of what is around a code: left, top, right, bottom."""
    if manner == "tight":
        return [quiet] * 4
    low, high = (0.0, 0.5) if manner == "label" else (0.4, 1.6)
    return [quiet + round(between(rng, low, high) * edge) for _ in range(4)]


def ink_sheet(
    rng: np.random.Generator, code: Code, size: tuple[int, int], ground: Image.Image
) -> Sheet:
    """Print a code straight onto what is below: only the ink covers, light ink on dark ground."""
    width, height = size
    grey = np.asarray(ground.convert("L")).mean()
    low, high = (0, 60) if grey > _DARK_GROUND else (190, 255)
    fill = int(between(rng, low, high)) if ground.mode == "L" else ink(rng, low, high)
    dark = Image.new(ground.mode, size, fill)
    mask = ImageOps.invert(print_code(code, width, height))
    if chance(rng, 0.3):  # pale print
        mask = mask.point([value * 3 // 4 for value in range(256)])
    return Sheet(dark, mask, (0, 0, width, height))


def decoy_sheet(
    rng: np.random.Generator,
    pool: tuple[int, Sequence[str]],
    size: tuple[int, int],
    mode: str,
) -> Sheet:
    """Lay out a label without a code: print, or a cut of something like a code.

    Args:
        rng: Source of chance.
        pool: Seed of the set, and the families of backgrounds that may be shown.
        size: Width and height in pixels.
        mode: Pillow's mode of the sheet.

    Returns:
        The sheet; its box is all of it.
    """
    seed, families = pool
    width, height = size
    decoys = [family for family in _DECOYS if family in families]
    if decoys and chance(rng, 0.6):
        image = background(seed, pick(rng, decoys), int(rng.integers(_DECOY_VARIANTS))).convert(
            mode
        )
        side = round(BACKGROUND_SIDE * between(rng, 0.25, 1))
        box = _somewhere(rng, side, side)
        sheet = image.resize(size, Image.Resampling.BILINEAR, box=box)
    else:
        dark, light = colours(rng, "L" if mode == "L" else "RGB")
        sheet = Image.new(mode, size, light)
        margin = min(size) // 10
        write_lines(rng, sheet, (margin, margin, width - margin, height - margin), dark)
    return Sheet(sheet, _outline(rng, size), (0, 0, width, height))


def _somewhere(rng: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
    left = int(rng.integers(BACKGROUND_SIDE - width + 1))
    top = int(rng.integers(BACKGROUND_SIDE - height + 1))
    return left, top, left + width, top + height


def _outline(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return the sheet's mask: sharp or rounded corners."""
    if chance(rng, 0.75):
        return Image.new("L", size, 255)
    mask = Image.new("L", size, 0)
    radius = min(size) * between(rng, 0.03, 0.2)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return mask


def _write_digits(
    rng: np.random.Generator,
    sheet: Image.Image,
    code: Code,
    line: tuple[int, int, int],
    inks: tuple[Ink, Ink],
) -> None:
    """Write a linear code's text under it; the guards of retail codes reach into the line."""
    left, top, width = line
    dark, light = inks
    size = max(6, round(min(sheet.height - top, width / len(code.text) * between(rng, 0.9, 1.6))))
    drawing = ImageDraw.Draw(sheet)
    if code.kind in _GUARDED:
        inset = round(4 * width / code.columns)
        middle = left + width // 2
        drawing.rectangle((left + inset, top - size // 2, middle - inset, top), fill=light)
        drawing.rectangle((middle + inset, top - size // 2, left + width - inset, top), fill=light)
        top -= size // 2
    face, bold = font(size), int(chance(rng, 0.5) and size > _LEAST_BOLD)
    spread = width / (len(code.text) + 1)
    parts = [(left + width * between(rng, 0, 0.3), code.text)]
    if chance(rng, 0.6):  # letters spread over the code's width
        parts = [(left + spread * (n + 0.5), letter) for n, letter in enumerate(code.text)]
    for at, part in parts:
        drawing.text((at, top), part, fill=dark, font=face, stroke_width=bold)


def _write_around(
    rng: np.random.Generator,
    sheet: Image.Image,
    inner: tuple[int, tuple[int, int, int, int]],
    dark: Ink,
) -> None:
    """Write words beside the code, outside of its quiet zone, and at times a frame."""
    quiet, (left, top, width, height) = inner
    drawing = ImageDraw.Draw(sheet)
    right, bottom = left + width + quiet, top + height + 2 * quiet
    zones = (
        (1, 1, sheet.width, top - quiet),
        (max(1, left - quiet), bottom, sheet.width, sheet.height),
        (1, top, left - quiet, bottom),
        (right, top, sheet.width, bottom),
    )
    for zone in zones:
        if chance(rng, 0.7):
            write_lines(rng, sheet, zone, dark)
    if chance(rng, 0.3):
        drawing.rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline=dark, width=2)
