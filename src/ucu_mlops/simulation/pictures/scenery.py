"""What surrounds a code: shelves, pages, packaging, things out of focus.

Each function takes a generator and the side in pixels and returns shape (side, side, 3), uint8.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick
from ucu_mlops.simulation.pictures.textures import Texture, colour, plain, two_colours
from ucu_mlops.simulation.pictures.writing import font, words

Ink = tuple[int, ...]
_LEAST_LETTER, _LARGEST_LETTER = 8, 72  # pixels


def ink(rng: np.random.Generator, low: float = 0, high: float = 255) -> Ink:
    """Return a colour as Pillow takes it."""
    return tuple(int(part) for part in colour(rng, low, high))


def write_lines(
    rng: np.random.Generator, page: Image.Image, box: tuple[int, int, int, int], fill: Ink
) -> None:
    """Fill a box of a page with lines of text of one size."""
    left, top, right, bottom = box
    if min(right - left, bottom - top) < _LEAST_LETTER:
        return
    size = round(log_uniform(rng, _LEAST_LETTER, min(_LARGEST_LETTER, bottom - top)))
    drawing, gap = ImageDraw.Draw(page), size * between(rng, 1.05, 1.6)
    for row in range(int((bottom - top) / gap)):
        line = words(rng, max(3, int(2 * (right - left) / size * between(rng, 0.5, 1))))
        drawing.text((left, top + row * gap), line, fill=fill, font=font(size))


def text_page(rng: np.random.Generator, side: int) -> Texture:
    """A page of print, with headings and columns."""
    page = Image.fromarray(plain(rng, side))
    paper, dark = two_colours(rng, 90)
    if chance(rng, 0.5):
        page.paste(tuple(int(part) for part in paper), (0, 0, side, side))
    columns = int(rng.integers(1, 4))
    for column in range(columns):
        left, top = column * side // columns + 6, int(rng.integers(0, 60))
        while top < side:
            bottom = top + int(rng.integers(40, 200))
            box = (left, top, (column + 1) * side // columns - 6, bottom)
            write_lines(rng, page, box, tuple(int(part) for part in dark))
            top = bottom + int(rng.integers(5, 50))
    return np.asarray(page)


def shelves(rng: np.random.Generator, side: int) -> Texture:
    """Rows of boxes, books and tins."""
    page = Image.new("RGB", (side, side), ink(rng, 10, 120))
    drawing, top = ImageDraw.Draw(page), 0
    while top < side:
        height = int(log_uniform(rng, 40, 200))
        left = 0
        while left < side:
            width = int(log_uniform(rng, 8, 110))
            tall = int(height * between(rng, 0.5, 0.95))
            box = (left, top + height - tall, left + width, top + height)
            drawing.rectangle(box, fill=ink(rng))
            if chance(rng, 0.5):
                band = top + height - tall // 2
                drawing.rectangle((left, band, left + width, band + tall // 5), fill=ink(rng))
            left += width + int(rng.integers(0, 6))
        top += height + int(rng.integers(3, 20))
    return np.asarray(page)


def packaging(rng: np.random.Generator, side: int) -> Texture:
    """A box or bag: fields of colour, logos, print large and small."""
    page = Image.new("RGB", (side, side), ink(rng))
    drawing = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.integers(-60, side, 2).tolist()
        box = (x, y, x + int(log_uniform(rng, 30, 300)), y + int(log_uniform(rng, 30, 300)))
        shape = pick(rng, (drawing.rectangle, drawing.ellipse, drawing.rectangle))
        shape(box, fill=ink(rng))
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.integers(0, side - 60, 2).tolist()
        write_lines(rng, page, (x, y, x + 180, y + int(rng.integers(20, 160))), ink(rng))
    if chance(rng, 0.7):
        size, at = int(log_uniform(rng, 30, 110)), rng.integers(0, side // 2, 2).tolist()
        drawing.text(at, words(rng, 7).title(), fill=ink(rng), font=font(size))
    return np.asarray(page)


def scene(rng: np.random.Generator, side: int) -> Texture:
    """A room, a street, a hand: large shapes, some of them out of focus."""
    page = Image.fromarray(plain(rng, side))
    for _ in range(int(rng.integers(3, 14))):
        drawing = ImageDraw.Draw(page)
        x, y = rng.integers(-80, side, 2).tolist()
        box = (x, y, x + int(log_uniform(rng, 20, 350)), y + int(log_uniform(rng, 20, 350)))
        if chance(rng, 0.4):
            drawing.polygon(rng.integers(0, side, 8).tolist(), fill=ink(rng))
        else:
            pick(rng, (drawing.rectangle, drawing.ellipse))(box, fill=ink(rng))
        if chance(rng, 0.25):
            page = page.filter(ImageFilter.BoxBlur(between(rng, 1, 6)))
    return np.asarray(page)
