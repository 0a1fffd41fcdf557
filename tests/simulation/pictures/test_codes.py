"""Codes are real ones: a reader reads each and calls it by the label it was drawn for."""

import numpy as np
import pytest
import zxingcpp

from ucu_mlops.simulation.pictures.app_codes import draw_app_code
from ucu_mlops.simulation.pictures.codes import draw_code
from ucu_mlops.simulation.pictures.looks import draw_fashionable
from ucu_mlops.simulation.pictures.names import LABELS

MATRIX = {"Aztec", "DataMatrix", "PDF417", "CompactPDF417", "MicroPDF417", "MaxiCode"}
QR = {"QRCode", "MicroQRCode"}


def enlarged(code):
    """Draw a code at four pixels a module in a wide quiet zone; linear ones 40 modules high."""
    modules = code.modules
    if len(modules) == 1:
        modules = np.repeat(modules, 40, axis=0)
    if code.scale == 1:
        modules = np.kron(modules, np.ones((4, 4), np.uint8))
    return np.pad(modules, 60, constant_values=255)


def label_of(symbology: str) -> str:
    """Return the label that a reader's name of a symbology belongs to."""
    if symbology in QR:
        return "qr_code"
    return "matrix_code" if symbology in MATRIX else "linear_barcode"


@pytest.mark.parametrize("label", LABELS)
def test_a_reader_reads_what_was_drawn(label):
    """Of a hundred codes of a label, all that the reader knows are read, as that label."""
    codes = [draw_code(np.random.default_rng(seed), label) for seed in range(100)]
    readable = [code for code in codes if code.kind not in {"CompactPDF417", "MicroPDF417"}]
    found = [zxingcpp.read_barcodes(enlarged(code)) for code in readable]
    unread = {code.kind for code, read in zip(readable, found, strict=True) if not read}
    assert not unread
    assert {label_of(read[0].format.name) for read in found} == {label}


@pytest.mark.parametrize("label", LABELS)
def test_codes_vary(label):
    """Thirty codes of a label come in at least four symbologies or twelve sizes."""
    codes = [draw_code(np.random.default_rng(seed), label) for seed in range(30)]
    assert len({code.kind for code in codes}) >= 4 or len({c.columns for c in codes}) >= 12


def test_no_random_content_is_too_long_or_forbidden():
    """Of three hundred seeds each, whatever the content, none fails to become a code."""
    for seed in range(300):
        for label in LABELS:
            assert draw_code(np.random.default_rng([seed, 1]), label).label == label
        assert draw_fashionable(np.random.default_rng([seed, 1])).look == "new"


def test_the_new_look_is_a_qr_code_still():
    """Most codes in the new look are read, although they look unlike those in the usual one."""
    codes = [draw_fashionable(np.random.default_rng(seed)) for seed in range(20)]
    assert sum(bool(zxingcpp.read_barcodes(enlarged(code))) for code in codes) >= 14
    dark = [float((code.modules < 128).mean()) for code in codes]
    usual = [draw_code(np.random.default_rng(seed), "qr_code").modules for seed in range(20)]
    assert np.mean(dark) < 0.8 * np.mean([(modules < 128).mean() for modules in usual])


def test_no_reader_decodes_an_apps_code():
    """Of thirty an image model is the only hope: none is read, each is called a QR code."""
    codes = [draw_app_code(np.random.default_rng(seed)) for seed in range(30)]
    assert not any(zxingcpp.read_barcodes(enlarged(code)) for code in codes)
    assert {(code.label, code.look) for code in codes} == {("qr_code", "new")}
    assert len({code.modules.tobytes() for code in codes}) == 30
