"""Pictures that no camera took: a code as software writes it, a page as a screen shows it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ucu_mlops.simulation.pictures.camera import compress
from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick
from ucu_mlops.simulation.pictures.choosing import choose_aspect, choose_extent
from ucu_mlops.simulation.pictures.codes import Code
from ucu_mlops.simulation.pictures.options import PictureOptions
from ucu_mlops.simulation.pictures.placing import Quad, corners_of
from ucu_mlops.simulation.pictures.scenery import ink, write_lines
from ucu_mlops.simulation.pictures.sheets import (
    Mode,
    Sheet,
    decoy_sheet,
    label_sheet,
    print_code,
)

SCREEN = "screen"  # their group
_WHITE: dict[Mode, tuple[int, ...]] = {"L": (255,), "RGB": (255, 255, 255)}


@dataclass(frozen=True)
class Drawn:
    """One picture before it is brought to size.

    Attributes:
        image: Mode L or RGB; its longer side is the side asked for.
        corners: For each code its label and shape (4, 2): x, y of its corners, pixels.
        family: Of the background; ``screen`` where there is none.
        look: ``new`` if a QR code has the new look.
    """

    image: Image.Image
    corners: tuple[tuple[str, Quad], ...]
    family: str
    look: str = "usual"


def draw_on_screen(rng: np.random.Generator, code: Code, side: int, mode: Mode) -> Drawn:
    """Draw a code upright and sharp, with little around it.

    Args:
        rng: The picture's own source of chance.
        code: The code.
        side: Longer side of the picture, pixels.
        mode: Pillow's mode of the picture.

    Returns:
        The picture.
    """
    aspect = choose_aspect(rng, code)
    width = round(side * between(rng, 0.5, 0.98) / max(1, aspect))
    height = max(4, round(width * aspect))
    if chance(rng, 0.5) and code.label != "matrix_code":
        sheet = label_sheet(rng, code, (width, height), mode)
    else:
        margin = max(1, round(code.quiet * width / code.columns * between(rng, 0, 1)))
        size = (width + 2 * margin, height + 2 * margin)
        image = Image.new(mode, size, _WHITE[mode])
        image.paste(print_code(code, width, height).convert(mode), (margin, margin))
        sheet = Sheet(image, image, (margin, margin, margin + width, margin + height))
    scale = side / max(sheet.image.size)
    extent = [max(1, round(edge * scale)) for edge in sheet.image.size]
    image = sheet.image.resize((extent[0], extent[1]), Image.Resampling.BILINEAR)
    quad = corners_of(sheet.box) * (np.array(extent) / sheet.image.size)
    return Drawn(_stored(rng, image), ((code.label, quad),), SCREEN, code.look)


def draw_free_screen(
    rng: np.random.Generator, seed: int, options: PictureOptions, mode: Mode
) -> Drawn:
    """Draw a page without a code: print and figures, upright and sharp on white.

    Args:
        rng: The picture's own source of chance.
        seed: Of the set.
        options: How pictures are drawn.
        mode: Pillow's mode of the picture.

    Returns:
        The picture.
    """
    width, height = choose_extent(rng, (), options.side)
    page = Image.new(mode, (width, height), _WHITE[mode])
    if chance(rng, 0.7):
        dark = ink(rng, 0, 120)
        fill = dark if mode == "RGB" else dark[:1]
        write_lines(rng, page, (width // 20, height // 20, width, height), fill)
    for _ in range(pick(rng, (0, 1, 1, 2))):
        size = (
            max(8, round(width * log_uniform(rng, 0.3, 0.95))),
            max(8, round(height * log_uniform(rng, 0.3, 0.95))),
        )
        sheet = decoy_sheet(rng, (seed, options.families), size, mode)
        at = (int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1)))
        page.paste(sheet.image, at, sheet.mask)
    return Drawn(_stored(rng, page), (), SCREEN)


def _stored(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    return compress(image, round(between(rng, 20, 95))) if chance(rng, 0.6) else image
