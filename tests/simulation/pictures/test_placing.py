"""A pasted sheet lies where it was to be, in perspective, bent or not."""

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from ucu_mlops.simulation.pictures.bending import bend
from ucu_mlops.simulation.pictures.codes import draw_code
from ucu_mlops.simulation.pictures.placing import apply_homography, homography, paste, place
from ucu_mlops.simulation.pictures.sheets import Sheet, print_code


def sheet_with(code, width: int, height: int) -> Sheet:
    """Make a white sheet with a code in the middle of a quiet zone of 30 pixels."""
    image = Image.new("L", (width + 60, height + 60), 255)
    image.paste(print_code(code, width, height), (30, 30))
    mask = Image.new("L", image.size, 255)
    return Sheet(image, mask, (30, 30, 30 + width, 30 + height))


def test_a_reader_finds_the_code_at_its_corners():
    """What a reader calls the code's corners are the corners that ``place`` chose, in order."""
    found = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        quad = place(rng, 1, (500, 400), 0.7)
        canvas = Image.new("L", (500, 400), 150)
        paste(canvas, sheet_with(draw_code(rng, "qr_code"), 300, 300), quad)
        for read in zxingcpp.read_barcodes(canvas, formats=zxingcpp.BarcodeFormat.QRCode):
            at = read.position
            seen = [at.top_left, at.top_right, at.bottom_right, at.bottom_left]
            points = np.array([[point.x, point.y] for point in seen])
            assert np.abs(points - quad).max() < 10
            found += 1
    assert found >= 7


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_code_lies_within_the_picture(share):
    """Whatever its turn, a code whose share is below one is not cut off."""
    for seed in range(50):
        quad = place(np.random.default_rng(seed), 0.4, (300, 200), share)
        assert ((quad > -1e-9) & (quad < np.array([300, 200]) + 1e-9)).all()


def test_a_homography_maps_its_four_points():
    """The perspective through four pairs of points maps each onto its partner."""
    rng = np.random.default_rng(0)
    source = np.array([[0, 0], [9, 0], [9, 5], [0, 5]], float)
    target = source + rng.normal(0, 0.5, (4, 2))
    np.testing.assert_allclose(apply_homography(homography(source, target), source), target)


def test_the_box_of_a_bent_sheet_encloses_its_code():
    """Bent upright or lying, all the code's ink lies in the box, and the box is not far larger."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        flat = sheet_with(draw_code(rng, "qr_code"), 200, 120)
        bent = bend(rng, flat)
        # Shade darkens paper to a third at most: what is darker is ink.
        rows, columns = np.nonzero((np.asarray(bent.image) < 20) & (np.asarray(bent.mask) > 0))
        left, top, right, bottom = bent.box
        assert columns.min() >= left - 2
        assert rows.min() >= top - 2
        assert columns.max() <= right + 2
        assert rows.max() <= bottom + 2
        assert right - left <= 262
        assert bottom - top <= 240
