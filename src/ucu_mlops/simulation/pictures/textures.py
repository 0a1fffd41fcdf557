"""Surfaces as a camera sees them: paper, cloth, stone, wood.

Each function takes a generator and the side in pixels and returns shape (side, side, 3), uint8.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick

Colour = NDArray[np.float32]
Field = NDArray[np.float32]
Texture = NDArray[np.uint8]


def colour(rng: np.random.Generator, low: float = 0, high: float = 255) -> Colour:
    """Return a colour of mostly low saturation; its brightness lies between the bounds."""
    grey = between(rng, low, high)
    saturation = 60 * rng.random() ** 2
    return np.clip(grey + saturation * rng.normal(size=3), 0, 255).astype(np.float32)


def smooth(rng: np.random.Generator, side: int, cells: float, stretch: float = 1) -> Field:
    """Return a field of values about 0.5 that varies over ``side / cells`` pixels."""
    rows, columns = max(2, round(cells * stretch)), max(2, round(cells))
    coarse = rng.random((rows, columns), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def blend(share: Field, low: Colour, high: Colour) -> Texture:
    """Mix two colours pixel by pixel; a share outside of 0 and 1 is cut off."""
    mixed = low + np.clip(share, 0, 1)[..., None] * (high - low)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def two_colours(rng: np.random.Generator, least: float = 40) -> tuple[Colour, Colour]:
    """Return two colours in random order whose brightness differs by at least so much."""
    middle = between(rng, 40 + least / 2, 215 - least / 2)
    reach = between(rng, least / 2, 110)
    pair = colour(rng, middle - reach, middle - least / 2), colour(rng, middle + least / 2, 240)
    return pair if chance(rng, 0.5) else pair[::-1]


def grain(rng: np.random.Generator, side: int, strength: float) -> Field:
    """Return noise from pixel to pixel."""
    return strength * rng.standard_normal((side, side), dtype=np.float32)


def plain(rng: np.random.Generator, side: int) -> Texture:
    """Paper, a wall or a table top: hardly anything but light."""
    base = colour(rng, 25, 245)
    field = smooth(rng, side, pick(rng, (2, 3, 5))) + grain(rng, side, between(rng, 0, 0.15))
    return blend(field, base - between(rng, 2, 25), base + between(rng, 2, 15))


def noise(rng: np.random.Generator, side: int) -> Texture:
    """Noise at many scales."""
    field = np.zeros((side, side), np.float32)
    roughness, cells = between(rng, 0.4, 0.95), between(rng, 2, 6)
    while cells < side:
        field += (smooth(rng, side, cells) - 0.5) * roughness ** np.log2(cells)
        cells *= 2
    return blend(0.5 + field * between(rng, 1.5, 4), *two_colours(rng))


def marble(rng: np.random.Generator, side: int) -> Texture:
    """Blots with sharp edges, as on notebooks, leaves and camouflage."""
    cells = log_uniform(rng, 8, 90)
    field = smooth(rng, side, cells) - 0.5 + 0.4 * (smooth(rng, side, 2 * cells) - 0.5)
    if chance(rng, 0.5):  # veins instead of blots
        field = 0.12 - np.abs(field)
    field = field - np.quantile(field[::4, ::4], between(rng, 0.3, 0.7))
    return blend(0.5 + field * between(rng, 4, 30), *two_colours(rng, 80))


def carpet(rng: np.random.Generator, side: int) -> Texture:
    """Tufts of several colours, in rows or not."""
    cells = log_uniform(rng, 40, 160)
    tufts = smooth(rng, side, cells, stretch=between(rng, 0.5, 2))
    rows = np.sin(np.arange(side, dtype=np.float32) * (cells * np.pi / side))[:, None]
    field = tufts + between(rng, 0, 0.4) * rows + grain(rng, side, 0.1)
    shade = blend(field, *two_colours(rng, 60))
    return np.clip(shade + 60 * (smooth(rng, side, cells) - 0.5)[..., None], 0, 255).astype(
        np.uint8
    )


def fabric(rng: np.random.Generator, side: int) -> Texture:
    """Woven or knitted threads: plain weave, twill or herringbone."""
    thread = log_uniform(rng, 3, 14)
    wobble = between(rng, 0, 4) * (smooth(rng, side, 6) - 0.5)
    y, x = np.mgrid[:side, :side].astype(np.float32) / thread
    x, y = x + wobble, y + wobble.T
    kind = pick(rng, ("plain", "twill", "herringbone"))
    if kind == "plain":
        field = np.where((np.floor(x) + np.floor(y)) % 2 < 1, np.sin(np.pi * (x % 1)), 0.5)
    elif kind == "twill":
        field = 0.5 + 0.5 * np.sin(np.pi * (x + y))
    else:
        turn = np.where(np.floor(x / 6) % 2 < 1, 1, -1)
        field = 0.5 + 0.5 * np.sin(np.pi * (y + turn * (x % 6)))
    field = field + grain(rng, side, between(rng, 0.02, 0.2)) + smooth(rng, side, 20) * 0.3 - 0.15
    return blend(field.astype(np.float32), *two_colours(rng, 30))


def wood(rng: np.random.Generator, side: int) -> Texture:
    """Boards with their grain."""
    rings = smooth(rng, side, 3, stretch=4) * between(rng, 10, 60)
    fibre = smooth(rng, side, 3, stretch=between(rng, 30, 100))
    field = 0.5 + 0.2 * np.sin(rings) + (fibre - 0.5) * 0.9
    boards = max(1, int(rng.integers(1, 7)))
    row = np.arange(side) * boards // side
    field = field + rng.normal(0, 0.15, boards)[row][:, None]
    field[np.diff(row, prepend=0) > 0] -= 0.8
    dark = np.array([70, 45, 25], np.float32) * between(rng, 0.5, 1.6)
    board = blend(field.astype(np.float32), dark, dark * between(rng, 1.4, 2.4))
    return board if chance(rng, 0.5) else board.swapaxes(0, 1)


def brick(rng: np.random.Generator, side: int) -> Texture:
    """A wall of bricks or tiles."""
    height = log_uniform(rng, 10, 70)
    width = height * between(rng, 1, 3.2)
    joint = between(rng, 0.05, 0.2) * height
    y, x = np.mgrid[:side, :side].astype(np.float32)
    row = np.floor(y / height)
    x = x + (row % 2) * width * pick(rng, (0, 0.5, 0.5, 0.33))
    column = np.floor(x / width)
    tint = rng.random((64, 64), dtype=np.float32)[row.astype(int) % 64, column.astype(int) % 64]
    is_joint = (y % height < joint) | (x % width < joint)
    stone, mortar = two_colours(rng, 30)
    rough = smooth(rng, side, 60) * 0.4 + grain(rng, side, 0.08)
    wall = blend(0.3 + 0.5 * tint + rough - 0.2, stone * 0.6, stone * 1.2)
    return np.where(is_joint[..., None], mortar * (0.8 + 0.2 * rough[..., None]), wall).astype(
        np.uint8
    )
