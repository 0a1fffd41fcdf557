"""One picture, from the code to what a camera or a screen makes of it.

code → sheet → bent → pasted on a background → photographed
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ucu_mlops.simulation.pictures.backgrounds import BACKGROUND_SIDE, background
from ucu_mlops.simulation.pictures.bending import bend
from ucu_mlops.simulation.pictures.camera import occlude, photograph
from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform
from ucu_mlops.simulation.pictures.choosing import (
    choose_aspect,
    choose_code,
    choose_extent,
    choose_family,
)
from ucu_mlops.simulation.pictures.codes import Code
from ucu_mlops.simulation.pictures.options import PictureOptions
from ucu_mlops.simulation.pictures.placing import Quad, corners_of, homography, paste, place
from ucu_mlops.simulation.pictures.screens import Drawn, draw_free_screen, draw_on_screen
from ucu_mlops.simulation.pictures.sheets import (
    Mode,
    decoy_sheet,
    ink_sheet,
    label_sheet,
)

_LEAST_MODULE = 1.2  # pixels: with less, nothing of a code is left but grey
_LARGEST, _TOWARDS_LARGE = 0.98, 0.6  # of what fits; below 1, half are above the octaves' middle
_INWARDS = 0.55  # of the way to the middle, at most, for each corner of a background
_GREY = 0.45  # of the pictures, where colour may be had


def paint(
    rng: np.random.Generator, seed: int, options: PictureOptions, labels: Sequence[str]
) -> Drawn:
    """Draw one picture.

    Args:
        rng: The picture's own source of chance.
        seed: Of the set: which codes and backgrounds there are to choose from.
        options: How it is drawn.
        labels: Of the codes to show, the first one largest; a further one for which there is no
            room is left out.

    Returns:
        The picture.
    """
    codes = [choose_code(rng, seed, label, options) for label in labels]
    is_grey = options.channels == 1 or chance(rng, _GREY)
    mode: Mode = "L" if is_grey else "RGB"
    if chance(rng, options.plain):
        if codes:
            return draw_on_screen(rng, codes[0], options.side, mode)
        return draw_free_screen(rng, seed, options, mode)
    extent = choose_extent(rng, codes, options.side)
    family = choose_family(rng, options, is_free=not codes)
    canvas = _ground(rng, background(seed, family, int(rng.integers(options.variants))), extent)
    canvas = canvas.convert(mode)
    if chance(rng, 0.2 if codes else 0.45):
        for _ in range(int(rng.integers(1, 3))):
            _paste_decoy(rng, seed, canvas, options)
    pasted: list[tuple[Code, Quad]] = []
    for code in codes:
        quad = _paste_code(rng, code, canvas, (options, family), [q for _, q in pasted])
        if quad is not None:
            pasted.append((code, quad))
    if chance(rng, 0.12):
        occlude(rng, canvas)
    corners = tuple((code.label, quad) for code, quad in pasted)
    look = "new" if any(code.look == "new" for code, _ in pasted) else "usual"
    return Drawn(photograph(rng, canvas), corners, family, look)


def _ground(rng: np.random.Generator, image: Image.Image, extent: tuple[int, int]) -> Image.Image:
    """Return a random part of a background, seen from the side or upside down at times."""
    width, height = extent
    largest = BACKGROUND_SIDE / max(extent)
    factor = largest * log_uniform(rng, 0.35, 1)
    wide, tall = width * factor, height * factor
    left = between(rng, 0, BACKGROUND_SIDE - wide)
    top = between(rng, 0, BACKGROUND_SIDE - tall)
    box = (left, top, left + wide, top + tall)
    if chance(rng, 0.5):
        part = _from_the_side(rng, image, extent, box)
    else:
        part = image.resize(extent, Image.Resampling.BILINEAR, box=box)
    return part.transpose(Image.Transpose.ROTATE_180) if chance(rng, 0.3) else part


def _from_the_side(
    rng: np.random.Generator,
    image: Image.Image,
    extent: tuple[int, int],
    box: tuple[float, float, float, float],
) -> Image.Image:
    """Return a part of a background in perspective: its corners moved inwards."""
    inwards = corners_of(box)
    middle = inwards.mean(axis=0)
    inwards += (middle - inwards) * rng.uniform(0, _INWARDS, (4, 1))
    back = homography(corners_of((0, 0, *extent)), inwards).tolist()
    shape, perspective = Image.Resampling.BILINEAR, Image.Transform.PERSPECTIVE
    return image.transform(extent, perspective, back, shape)


def _share(rng: np.random.Generator, code: Code, extent: tuple[int, int], least: float) -> float:
    """Choose a code's size as a share of the largest that fits; above 1 for some linear ones."""
    if code.label == "linear_barcode" and chance(rng, 0.1):
        return between(rng, 1, 1.3)
    needed = _LEAST_MODULE * max(code.modules.shape) / code.scale / min(extent)
    least = min(max(least, needed), _LARGEST)
    skewed: float = least * (_LARGEST / least) ** (rng.random() ** _TOWARDS_LARGE)
    return skewed


def _paste_code(
    rng: np.random.Generator,
    code: Code,
    canvas: Image.Image,
    where: tuple[PictureOptions, str],
    taken: Sequence[Quad],
) -> Quad | None:
    """Paste a code where there is none yet and return its corners; None where there is no room."""
    options, family = where
    quad = place(
        rng, choose_aspect(rng, code), canvas.size, _share(rng, code, canvas.size, options.smallest)
    )
    if taken:
        small = log_uniform(rng, options.smallest, 0.45)
        quad = place(rng, choose_aspect(rng, code), canvas.size, small)
    if any(_overlap(quad, other) for other in taken):
        return None
    size = _pixels(quad)
    is_ink = family in {"plain", "wood"} and chance(rng, 0.45)
    if is_ink:
        sheet = ink_sheet(rng, code, size, canvas)
    else:
        sheet = label_sheet(rng, code, size, "L" if canvas.mode == "L" else "RGB")
    if chance(rng, 0.2 if code.label == "linear_barcode" else 0.06):
        sheet = bend(rng, sheet)
    paste(canvas, sheet, quad)
    return quad


def _pixels(quad: Quad) -> tuple[int, int]:
    """Return the width and height in pixels that a sheet needs to be pasted there."""
    edges = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return max(4, round((edges[0] + edges[2]) / 2)), max(4, round((edges[1] + edges[3]) / 2))


def _overlap(one: Quad, other: Quad) -> bool:
    """Return whether two codes' labels may touch: a label is larger than its code."""
    room = 0.25 * np.ptp(one, axis=0)
    low, high = one.min(axis=0) - room, one.max(axis=0) + room
    return not ((high < other.min(axis=0)) | (other.max(axis=0) < low)).any()


def _paste_decoy(
    rng: np.random.Generator, seed: int, canvas: Image.Image, options: PictureOptions
) -> None:
    quad = place(rng, log_uniform(rng, 0.3, 1.5), canvas.size, log_uniform(rng, 0.25, 0.95))
    paste(canvas, decoy_sheet(rng, (seed, options.families), _pixels(quad), canvas.mode), quad)
