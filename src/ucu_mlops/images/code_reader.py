"""zxing-cpp reads one image: as it is and, where that gives nothing, enlarged and sharpened."""

from functools import partial

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.labels import LabelSet

# An unsharp mask about as wide as a bar makes blurred bars readable; enlarging more costs time and
# reads hardly more (figures: docs/images-judging.md).
ENLARGE = 1.5
SHARPEN_RADIUS = 4.0
SHARPEN_PERCENT = 200
GREY, COLOUR = 2, 3  # dimensions


def known_symbologies() -> tuple[str, ...]:
    """Name what a label's ``expert`` may hold: codes (``QRCode``) and families (``AllLinear``)."""
    return tuple(sorted(each.name for each in zxingcpp.barcode_formats_list()))


class CodeReader:
    """Finds labels by decoding codes; its answers have the labels' order."""

    def __init__(self, label_set: LabelSet, enlarge_up_to: int) -> None:
        """Look up what each label's expert reads.

        Args:
            label_set: The labels, at least one with an expert.
            enlarge_up_to: Longest side in pixels of images that are tried twice.

        Raises:
            ConfigurationError: A label names an unknown symbology.
        """
        known = known_symbologies()
        for label in label_set.labels:
            if unknown := sorted(set(label.expert) - set(known)):
                raise ConfigurationError(
                    f"images.labels.{label.name}.expert names {unknown}; "
                    f"zxing-cpp knows {', '.join(known)}"
                )
        self._members = [_codes(label.expert) for label in label_set.labels]
        asked = _formats([name for label in label_set.labels for name in label.expert])
        self._decode = partial(zxingcpp.read_barcodes, formats=asked)
        self._enlarge_up_to = enlarge_up_to

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Say which labels the image shows, shape ``(n_labels,)``.

        Args:
            pixels: Shape (height, width), (height, width, 1), or (height, width, 3) in RGB.

        Raises:
            DataError: The image is no such array.
        """
        grey = _grey(pixels)
        found = self._decode(grey)
        if not found and max(grey.size) <= self._enlarge_up_to:
            found = self._decode(_enlarged(grey))
        codes = {each.format for each in found}
        return np.array([not codes.isdisjoint(members) for members in self._members], np.bool_)


def _formats(names: list[str] | tuple[str, ...]) -> zxingcpp.BarcodeFormats:
    return zxingcpp.barcode_formats_from_str(",".join(names))


def _codes(names: tuple[str, ...]) -> set[zxingcpp.BarcodeFormat]:
    # No name at all would stand for every code.
    return set(zxingcpp.barcode_formats_list(_formats(names))) if names else set()


def _grey(pixels: NDArray[np.uint8]) -> Image.Image:
    plane = pixels[..., 0] if pixels.ndim == COLOUR and pixels.shape[2] == 1 else pixels
    is_image = plane.ndim == GREY or (plane.ndim == COLOUR and plane.shape[2] == COLOUR)
    if plane.dtype != np.uint8 or not is_image or not plane.size:
        raise DataError(
            "the reader needs uint8 pixels of shape (height, width), (height, width, 1) or "
            f"(height, width, 3), got {pixels.dtype} {pixels.shape}"
        )
    return Image.fromarray(plane).convert("L")


def _enlarged(grey: Image.Image) -> Image.Image:
    size = (round(grey.width * ENLARGE), round(grey.height * ENLARGE))
    larger = grey.resize(size, Image.Resampling.BICUBIC)
    return larger.filter(ImageFilter.UnsharpMask(SHARPEN_RADIUS, SHARPEN_PERCENT, 0))
