"""Backgrounds by family; the family is the group by which pictures are held out."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image

from ucu_mlops.simulation.pictures import lookalikes, scenery, textures
from ucu_mlops.simulation.pictures.textures import Texture

FAMILIES: dict[str, Callable[[np.random.Generator, int], Texture]] = {
    "plain": textures.plain,
    "noise": textures.noise,
    "marble": textures.marble,
    "carpet": textures.carpet,
    "fabric": textures.fabric,
    "wood": textures.wood,
    "brick": textures.brick,
    "shelves": scenery.shelves,
    "text_page": scenery.text_page,
    "packaging": scenery.packaging,
    "scene": scenery.scene,
    "grid": lookalikes.grid,
    "checkerboard": lookalikes.checkerboard,
    "stripes": lookalikes.stripes,
    "fence": lookalikes.fence,
    "crossword": lookalikes.crossword,
    "halftone": lookalikes.halftone,
    "keyboard": lookalikes.keyboard,
    "windows": lookalikes.windows,
}
BACKGROUND_SIDE = 400
_KEPT = 400  # half a megabyte each


@lru_cache(maxsize=_KEPT)
def background(seed: int, family: str, variant: int) -> Image.Image:
    """Return one background of a family, drawn once in a process.

    Args:
        seed: Of the set of pictures.
        family: A key of ``FAMILIES``.
        variant: Which one of the family.

    Returns:
        An RGB image, ``BACKGROUND_SIDE`` pixels wide and high.
    """
    rng = np.random.default_rng([seed, 1, list(FAMILIES).index(family), variant])
    return Image.fromarray(np.ascontiguousarray(FAMILIES[family](rng, BACKGROUND_SIDE)))
