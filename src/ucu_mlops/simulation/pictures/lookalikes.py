"""What is taken for a code and is none: grids, stripes, crosswords, keyboards, façades.

Each function takes a generator and the side in pixels and returns shape (side, side, 3), uint8.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick
from ucu_mlops.simulation.pictures.textures import (
    Field,
    Texture,
    blend,
    grain,
    smooth,
    two_colours,
)
from ucu_mlops.simulation.pictures.writing import font, words


def _wobbly(rng: np.random.Generator, side: int, strength: float) -> tuple[Field, Field]:
    """Return row and column coordinates in pixels that are a little bent."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    return y + strength * (smooth(rng, side, 3) - 0.5), x + strength * (smooth(rng, side, 3) - 0.5)


def _cells(rng: np.random.Generator, side: int, size: float) -> tuple[Field, NDArray[np.int64]]:
    """Return distances to the next line of a grid (share of a cell) and numbers of cells."""
    y, x = _wobbly(rng, side, between(rng, 0, 12))
    off = between(rng, 0, 100)
    y, x = (y + off) / size, (x + off) / size
    inner = np.minimum(np.abs(y % 1 - 0.5), 1) * 2, np.minimum(np.abs(x % 1 - 0.5), 1) * 2
    number = np.floor(y).astype(np.int64) * 1_009 + np.floor(x).astype(np.int64)
    return 1 - np.maximum(*inner), number


def grid(rng: np.random.Generator, side: int) -> Texture:
    """Lined paper, a net, tiles: lines on a ground."""
    distance, _ = _cells(rng, side, log_uniform(rng, 6, 60))
    field = (between(rng, 0.05, 0.4) - distance) * between(rng, 4, 20)
    return blend(field + grain(rng, side, 0.05), *two_colours(rng))


def checkerboard(rng: np.random.Generator, side: int) -> Texture:
    """A board of two colours, regular as chess or irregular as a mosaic."""
    size = log_uniform(rng, 5, 60)
    y, x = _wobbly(rng, side, between(rng, 0, 10))
    row, column = np.floor(y / size).astype(int), np.floor(x / size).astype(int)
    regular = ((row + column) % 2).astype(np.float32)
    shades = rng.random((97, 97), dtype=np.float32)[row % 97, column % 97]
    kind = pick(rng, ("chess", "mosaic", "gingham"))
    if kind == "mosaic":
        regular = shades
    elif kind == "gingham":
        regular = (row % 2 + column % 2).astype(np.float32) / 2
    return blend(regular + 0.2 * shades + grain(rng, side, 0.05), *two_colours(rng))


def stripes(rng: np.random.Generator, side: int) -> Texture:
    """Cloth, blinds, ribs: stripes without the two widths that make a code."""
    size = log_uniform(rng, 4, 50)
    _, x = _wobbly(rng, side, between(rng, 0, 30))
    kind = pick(rng, ("even", "shades", "plaid"))
    field = 0.5 + 0.5 * np.sin(x * (np.pi / size)) * between(rng, 1, 6)
    if kind == "shades":
        field = rng.random(211, dtype=np.float32)[np.floor(x / size).astype(int) % 211]
    elif kind == "plaid":
        field = (np.clip(field, 0, 1) + np.clip(field.T, 0, 1)) / 2
    board = blend(field.astype(np.float32) + grain(rng, side, 0.05), *two_colours(rng, 30))
    return board if chance(rng, 0.5) else board.swapaxes(0, 1)


def fence(rng: np.random.Generator, side: int) -> Texture:
    """Bars or slats before something else, with rails across."""
    size, width = log_uniform(rng, 10, 60), between(rng, 0.2, 0.75)
    y, x = _wobbly(rng, side, between(rng, 0, 8))
    is_bar = (x / size) % 1 < width
    rail = between(rng, 60, 250)
    is_bar |= (y % rail) < size * 0.4
    bar, behind = two_colours(rng)
    shade = 0.75 + 0.5 * ((x / size) % 1)[..., None]
    ground = blend(smooth(rng, side, 12), behind * 0.6, behind * 1.2)
    return np.clip(np.where(is_bar[..., None], bar * shade, ground), 0, 255).astype(np.uint8)


def crossword(rng: np.random.Generator, side: int) -> Texture:
    """White squares with letters and black ones, lines between."""
    size = round(log_uniform(rng, 14, 50))
    page = Image.new("L", (side, side), 245)
    drawing, letters = ImageDraw.Draw(page), words(rng, 400).replace(" ", "").upper()
    black, filled, face = between(rng, 0.1, 0.35), chance(rng, 0.6), font(max(8, size * 2 // 3))
    for number, (top, left) in enumerate(np.ndindex(side // size, side // size)):
        box = (left * size, top * size, (left + 1) * size, (top + 1) * size)
        if chance(rng, black):
            drawing.rectangle(box, fill=15)
            continue
        drawing.rectangle(box, outline=60)
        if filled:
            letter = letters[number % len(letters)]
            drawing.text((box[0] + size // 4, box[1]), letter, fill=40, font=face)
    return np.repeat(np.asarray(page)[..., None], 3, axis=2)


def halftone(rng: np.random.Generator, side: int) -> Texture:
    """Dots of a printed picture or a wall of lamps, their size by the tone."""
    size = log_uniform(rng, 5, 30)
    y, x = _wobbly(rng, side, between(rng, 0, 6))
    if chance(rng, 0.5):
        y, x = (y + x) * 0.7071, (y - x) * 0.7071
    distance = np.hypot((y / size) % 1 - 0.5, (x / size) % 1 - 0.5)
    tone = 0.15 + 0.5 * smooth(rng, side, 6)
    return blend((tone - distance) * size * 0.7, *two_colours(rng, 80))


def keyboard(rng: np.random.Generator, side: int) -> Texture:
    """Keys with a letter each."""
    size = round(log_uniform(rng, 24, 80))
    body, key = two_colours(rng, 30)
    page = Image.new("RGB", (side, side), tuple(int(part) for part in body))
    drawing, letters = ImageDraw.Draw(page), words(rng, 300).replace(" ", "").upper()
    face, ink = font(max(8, size // 3)), 20 if key.mean() > body.mean() else 230
    for row, column in np.ndindex(side // size + 1, side // size + 1):
        left, top = column * size + (row % 3) * size // 3, row * size
        box = (left, top, left + size * 5 // 6, top + size * 5 // 6)
        drawing.rounded_rectangle(box, size // 8, fill=tuple(int(part) for part in key))
        letter = letters[(row * 31 + column) % len(letters)]
        drawing.text((left + size // 4, top + size // 6), letter, fill=(ink,) * 3, font=face)
    return np.asarray(page)


def windows(rng: np.random.Generator, side: int) -> Texture:
    """The front of a tall building: windows lit or dark."""
    size = log_uniform(rng, 10, 60)
    distance, number = _cells(rng, side, size)
    wall, glass = two_colours(rng, 30)
    lit = rng.random(997, dtype=np.float32)[number % 997]
    pane = blend(lit, glass * 0.5, glass * 1.3)
    front = blend(smooth(rng, side, 4), wall * 0.85, wall * 1.1)
    return np.where((distance > between(rng, 0.2, 0.6))[..., None], pane, front)
