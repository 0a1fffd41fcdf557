"""A code that the reader decodes tells where it lies."""

import numpy as np
import zxingcpp

from ucu_mlops.images.located import located_masks
from ucu_mlops.images.pictures import UNKNOWN


def page(text: str, top: int, left: int) -> np.ndarray:
    """A white picture with a QR code of 100 pixels on it."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=4)
    picture = np.full((320, 320, 1), 255, np.uint8)
    drawn = np.asarray(code)
    picture[top : top + drawn.shape[0], left : left + drawn.shape[1], 0] = drawn
    return picture


def test_a_read_code_is_located(label_set):
    """Its cells say 1, the others 0, and no other label lies anywhere."""
    pixels = page("hello", 40, 160)[None]
    masks = located_masks(pixels, np.array([[1, 0, 0]], np.float32), label_set, 40)
    rows, columns = np.nonzero(masks[0, 0])
    assert 5 <= rows.min() <= 10
    assert 20 <= columns.min() <= 25
    assert not masks[0, 1:].any()


def test_what_is_not_read_stays_unknown(label_set):
    """A label said to be shown where the reader reads nothing lies nobody knows where."""
    pixels = np.full((1, 320, 320, 1), 255, np.uint8)
    masks = located_masks(pixels, np.array([[0, 1, np.nan]], np.float32), label_set, 40)
    assert (masks[0, 1:] == UNKNOWN).all()


def test_labels_overrule_the_reader(label_set):
    """A picture said not to show a label shows it nowhere, whatever the reader reads."""
    pixels = page("hello", 40, 160)[None]
    masks = located_masks(pixels, np.array([[0, 1, 0]], np.float32), label_set, 40)
    assert not masks[0, 0].any()
