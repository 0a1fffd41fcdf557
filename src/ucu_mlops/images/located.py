"""Where codes lie in photographs: a reader that decodes one says where, so tokens can learn it too.

Only training uses it; the network finds codes without a reader.
"""

from collections.abc import Iterable

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.pictures import corner_masks


def located_masks(
    pixels: NDArray[np.uint8], labels: NDArray[np.float32], label_set: LabelSet, cells: int
) -> NDArray[np.uint8]:
    """Ask the reader where the labels lie that each picture shows.

    Args:
        pixels: Shape ``(n, side, side, channels)``.
        labels: 1.0, 0.0 or NaN, shape ``(n, n_labels)``; the reader changes none of them.
        label_set: The labels; their experts' symbologies are looked for.
        cells: Cells of a mask per axis.

    Returns:
        1 where a code was read, 0 elsewhere in its picture and for labels not shown, ``UNKNOWN``
        where a shown label was not read, shape ``(n, n_labels, cells, cells)``.
    """
    members = [_formats(label.expert) for label in label_set.labels]
    corners = [
        list(_codes_in(picture, members)) if (shown == 1.0).any() else []
        for picture, shown in zip(pixels, labels, strict=True)
    ]
    return corner_masks(corners, labels, pixels.shape[1], cells)


def _formats(names: tuple[str, ...]) -> set[zxingcpp.BarcodeFormat]:
    """Symbologies by zxing-cpp's names; none for none, where it would take all."""
    if not names:
        return set()
    return set(zxingcpp.barcode_formats_list(zxingcpp.barcode_formats_from_str(",".join(names))))


def _codes_in(
    picture: NDArray[np.uint8], members: list[set[zxingcpp.BarcodeFormat]]
) -> Iterable[tuple[int, NDArray[np.float32]]]:
    """Position of its label and corners of each code that was read in a picture."""
    plane = picture[..., 0] if picture.shape[2] == 1 else picture
    for code in zxingcpp.read_barcodes(Image.fromarray(plane).convert("L")):
        place = code.position
        around = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        corners = np.array([(each.x, each.y) for each in around], np.float32)
        for label, formats in enumerate(members):
            if code.format in formats:
                yield label, corners
