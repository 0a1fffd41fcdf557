"""Drawn pictures hang on the seed and their position; labels and corners are right."""

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.simulation.pictures.backgrounds import FAMILIES
from ucu_mlops.simulation.pictures.drawing import draw_pictures
from ucu_mlops.simulation.pictures.names import LABELS
from ucu_mlops.simulation.pictures.options import PictureOptions

SMALL = PictureOptions(side=96, variants=2)


def test_equal_seed_equal_pictures_another_seed_others():
    """Drawn twice the pictures are equal byte by byte; with another seed hardly any is."""
    one, again, other = (draw_pictures(seed, 12, SMALL) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.pixels, again.pixels)
    assert (one.pixels != other.pixels).any(axis=(1, 2, 3)).sum() >= 11


@given(first=st.integers(0, 15), n=st.integers(0, 6))
@settings(max_examples=8, deadline=None)
def test_a_range_drawn_alone_equals_its_part_of_the_whole(first, n):
    """Any range can be drawn by another process: nothing hangs on what was drawn before."""
    whole, part = draw_pictures(7, 21, SMALL), draw_pictures(7, n, SMALL, first=first)
    rows = slice(first, first + n)
    np.testing.assert_array_equal(part.pixels, whole.pixels[rows])
    np.testing.assert_array_equal(part.boxes, whole.boxes[rows])
    np.testing.assert_array_equal(part.labels, whole.labels[rows])
    np.testing.assert_array_equal(part.group, whole.group[rows])
    for some, same in zip(part.corners, whole.corners[rows], strict=True):
        assert [label for label, _ in some] == [label for label, _ in same]
        np.testing.assert_array_equal([q for _, q in some], [q for _, q in same])


def test_labels_corners_and_boxes_agree():
    """A label is set where a code of it has corners; they lie in the box; around it is nothing."""
    drawn = draw_pictures(1, 60, PictureOptions(side=96, channels=3, variants=2))
    for row, (top, left, height, width) in enumerate(drawn.boxes):
        present = {label for label, _ in drawn.corners[row]}
        assert present == set(np.flatnonzero(drawn.labels[row]))
        for _, quad in drawn.corners[row]:
            assert ((quad >= (left, top)) & (quad <= (left + width, top + height))).all()
        assert max(height, width) == 96
        outside = drawn.pixels[row].astype(int)
        outside[top : top + height, left : left + width] = 0
        assert not outside.any()
    assert set(drawn.group) <= {*FAMILIES, "screen"}
    assert 0.15 < (~drawn.labels.any(axis=1)).mean() < 0.5
    assert drawn.labels.any(axis=0).all()


def test_only_labels_asked_for_are_labelled():
    """With one label asked for, codes of the others are drawn as negatives, in one column."""
    linear = PictureOptions(side=96, labels=("linear_barcode",), negatives=0, variants=1)
    drawn = draw_pictures(2, 40, linear)
    assert drawn.labels.shape == (40, 1)
    assert 0.4 < drawn.labels.mean() < 0.9


def test_the_order_of_labels_is_that_of_the_names():
    """Names in another order, columns in another order: the pictures are the same."""
    turned = PictureOptions(side=96, variants=2, labels=LABELS[::-1])
    drawn, same = draw_pictures(3, 12, SMALL), draw_pictures(3, 12, turned)
    np.testing.assert_array_equal(drawn.labels, same.labels[:, ::-1])
    np.testing.assert_array_equal(drawn.pixels, same.pixels)


def test_corners_enclose_the_code_that_a_reader_finds():
    """On undistorted pictures the reader finds the code within the corners, and nowhere else."""
    options = PictureOptions(side=480, plain=1, negatives=0, several=0, labels=("qr_code",))
    drawn = draw_pictures(5, 30, options)
    checked = 0
    for picture, corners in zip(drawn.pixels, drawn.corners, strict=True):
        for read in zxingcpp.read_barcodes(picture[..., 0]) if corners else ():
            at = read.position
            seen = [at.top_left, at.top_right, at.bottom_right, at.bottom_left]
            points = np.array([[point.x, point.y] for point in seen])
            assert np.abs(points - corners[0][1]).max() < 12
            checked += 1
    assert checked >= 10


def test_no_reader_reads_a_negative():
    """Two hundred code-free pictures, look-alikes among them, hold nothing a reader reads."""
    drawn = draw_pictures(9, 200, PictureOptions(side=320, negatives=1, variants=4))
    assert not drawn.labels.any()
    assert not [row for row in range(200) if zxingcpp.read_barcodes(drawn.pixels[row, ..., 0])]


def test_sizes_reach_from_small_to_filling_the_frame():
    """The shortest codes measure under a quarter of the picture, the largest nearly all of it."""
    options = PictureOptions(side=160, negatives=0, several=0, variants=1)
    drawn = draw_pictures(4, 150, options)
    longest = [np.ptp(quad, axis=0).max() / 160 for each in drawn.corners for _, quad in each]
    assert min(longest) < 0.25
    assert max(longest) > 0.95


def test_the_new_look_changes_qr_codes_only():
    """Pictures that show no QR code are the same whatever QR codes look like."""
    usual, new = (
        draw_pictures(6, 40, PictureOptions(side=96, variants=2, several=0, new_look=share))
        for share in (0, 1)
    )
    np.testing.assert_array_equal(usual.labels, new.labels)
    is_other = (usual.pixels != new.pixels).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(is_other, usual.labels[:, LABELS.index("qr_code")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": ()},
        {"labels": ("qr_code", "qr_code")},
        {"labels": ("face",)},
        {"families": ("moon",)},
        {"channels": 4},
        {"side": 8},
        {"negatives": 1.5},
        {"smallest": 0},
        {"variants": 0},
    ],
    ids=str,
)
def test_refuses_what_cannot_be_drawn(wrong):
    """An option out of range is named in the error."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        PictureOptions(**wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_can_be_drawn_on_alone(family):
    """Holding a group out works both ways: pictures of one family have that group."""
    options = PictureOptions(side=64, families=(family,), plain=0, variants=1)
    assert set(draw_pictures(0, 3, options).group) == {family}
