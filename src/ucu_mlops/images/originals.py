"""A picture as it was uploaded, for a reader that sees better the more pixels it gets."""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ucu_mlops.images.decoding import RefusedError
from ucu_mlops.images.objects import ObjectOptions, read_object
from ucu_mlops.images.shards import ShardStore


class Originals:
    """Loads pictures in grey, at full size; as they are stored where the object is gone.

    Args:
        uris: The object of each picture.
        stored: The pictures as they are stored.
        options: Where objects may lie.
    """

    def __init__(self, uris: Mapping[str, str], stored: ShardStore, options: ObjectOptions) -> None:
        self._uris, self._stored, self._options = uris, stored, options

    def __call__(self, image_id: str) -> NDArray[np.uint8]:
        """Give a picture's pixels, uint8, shape ``(height, width)``."""
        try:
            content = read_object(self._uris[image_id], self._options)
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
            pixels: NDArray[np.uint8] = np.asarray(image.convert("L"))
        except (RefusedError, OSError):
            pixels = self._stored.pixels([image_id])[0].mean(axis=2).astype(np.uint8)
        return pixels
