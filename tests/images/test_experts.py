"""The reader finds what it decodes, in any form of picture, and says what it does not know."""

import sys

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.code_reader import known_symbologies
from ucu_mlops.images.experts import ReaderOptions, read_codes, read_stored
from ucu_mlops.images.labels import parse_labels

ONCE = ReaderOptions(threads=1, enlarge_up_to=0)


def code(symbology, text="4006381333931", scale=3):
    """Draw a code in grey, with a quiet zone."""
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, symbology))
    drawn = np.array(zxingcpp.write_barcode_to_image(barcode, scale=scale))
    return np.pad(drawn, 20, constant_values=255)


@pytest.mark.parametrize(
    ("symbology", "place"),
    [("QRCode", 0), ("Aztec", 1), ("DataMatrix", 1), ("PDF417", 1), ("EAN13", 2), ("Code128", 2)],
)
def test_finds_the_label_of_each_code(label_set, symbology, place):
    """A code belongs to the label whose expert names it or its family."""
    assert read_codes([code(symbology)], label_set).tolist() == [
        [each == place for each in range(3)]
    ]


def test_takes_grey_and_colour_pictures_of_any_size(label_set):
    """Grey with and without a channel and RGB give the same answer; nothing gives nothing."""
    grey = code("QRCode")
    pictures = [grey, grey[..., None], np.repeat(grey[..., None], 3, axis=2), grey * 0]
    assert read_codes(pictures, label_set)[:, 0].tolist() == [True, True, True, False]


def test_two_codes_in_one_picture_are_two_labels(label_set):
    """A picture that shows a QR code and a barcode gets both labels."""
    left, right = code("QRCode"), code("EAN13")
    both = np.full((400, left.shape[1] + right.shape[1]), 255, np.uint8)
    both[: left.shape[0], : left.shape[1]] = left
    both[: right.shape[0], left.shape[1] :] = right
    assert read_codes([both], label_set).tolist() == [[True, False, True]]


def test_a_second_look_reads_what_shrinking_hid(label_set):
    """Enlarged and sharpened, a barcode of few pixels is read; the first look alone misses it."""
    large = Image.fromarray(code("EAN13"))
    small = large.resize((large.width // 2, large.height // 2), Image.Resampling.BILINEAR)
    pictures = [np.asarray(small)]
    assert not read_codes(pictures, label_set, ONCE).any()
    assert read_codes(pictures, label_set).tolist() == [[False, False, True]]


def test_the_order_is_that_of_the_pictures_whatever_the_threads(label_set):
    """Each picture's answer stands in its row, with one thread as with four."""
    stored = {f"image-{each}": code("QRCode") if each % 3 else code("EAN13") for each in range(12)}
    answers = [
        read_stored(list(stored), stored.__getitem__, label_set, ReaderOptions(threads=threads))
        for threads in (1, 4)
    ]
    assert (answers[0] == answers[1]).all()
    assert answers[0][:, 0].tolist() == [bool(each % 3) for each in range(12)]


def test_a_label_without_expert_is_never_read():
    """No symbology at all does not stand for every symbology."""
    mixed = parse_labels({"face": {}, "qr_code": {"expert": ["QRCode"]}})
    assert read_codes([code("QRCode"), code("EAN13")], mixed).tolist() == [
        [False, True],
        [False, False],
    ]
    assert not read_codes([code("QRCode")], parse_labels({"face": {}})).any()


def test_an_unknown_symbology_is_told_with_the_known_ones():
    """A mistyped expert names itself, its label and what there is."""
    wrong = parse_labels({"qr_code": {"expert": ["QrCode"]}})
    with pytest.raises(ConfigurationError, match=r"qr_code.expert names \['QrCode'\].*QRCode"):
        read_codes([code("QRCode")], wrong)
    assert {"QRCode", "AllLinear", "Aztec"} <= set(known_symbologies())


def test_without_the_reader_installed_the_remedy_is_told(label_set, monkeypatch):
    """Where zxing-cpp is missing the line says what to install, and only if a label needs it."""
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    monkeypatch.delitem(sys.modules, "ucu_mlops.images.code_reader")
    with pytest.raises(ConfigurationError, match=r"zxingcpp is not installed: pip install"):
        read_codes([code_free()], label_set)
    assert not read_codes([code_free()], parse_labels({"face": {}})).any()


def code_free():
    """A grey picture of nothing."""
    return np.full((40, 40), 128, np.uint8)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8)), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8), np.uint8)],
    ids=["floats", "four channels", "empty"],
)
def test_refuses_what_is_no_picture(label_set, picture):
    """Pixels of another type or form are told by both."""
    with pytest.raises(DataError, match="uint8 pixels of shape"):
        read_codes([picture], label_set)


def test_refuses_to_read_with_no_thread():
    """Nothing could be read by nobody."""
    with pytest.raises(ConfigurationError, match="threads must be at least 1"):
        ReaderOptions(threads=0)
