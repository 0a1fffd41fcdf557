"""Faulty objects are what they say, and the others open as the picture that went in."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from ucu_mlops.simulation.pictures.encoding import FAULTS, encode, store_again
from ucu_mlops.simulation.pictures.textures import smooth


@pytest.fixture(params=["L", "RGB"])
def picture(request) -> Image.Image:
    """A smooth picture that is wider than high."""
    field = smooth(np.random.default_rng(0), 120, 4)[:80] * 200
    return Image.fromarray(field.clip(0, 255).astype(np.uint8)).convert(request.param)


def stored(kind: str, picture: Image.Image, seed: int = 0) -> io.BytesIO:
    """Store a picture with a fault."""
    return io.BytesIO(FAULTS[kind](np.random.default_rng(seed), picture)[0])


def distance(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference in grey levels of two pictures brought to one size."""
    small = [np.asarray(each.convert("L").resize((30, 20)), float) for each in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


def test_flawless_objects_open_as_the_picture(picture):
    """Every usual format holds the picture; JPEG, PNG and WebP all occur."""
    forms = set()
    for seed in range(60):
        content, ending = encode(np.random.default_rng(seed), picture)
        with Image.open(io.BytesIO(content)) as opened:
            forms.add((opened.format, ending))
            assert opened.size == picture.size
            assert distance(opened, picture) < 4
    assert forms == {("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")}


def test_a_truncated_object_ends_early(picture):
    """Its header opens, its pixels do not load."""
    with (
        Image.open(stored("truncated", picture)) as opened,
        pytest.raises(OSError, match="truncated"),
    ):
        opened.load()


def test_what_is_not_an_image_does_not_open(picture):
    """Whichever bytes are stored instead, no decoder knows them."""
    for seed in range(8):
        with pytest.raises(UnidentifiedImageError):
            Image.open(stored("not_an_image", picture, seed))


def test_a_bomb_is_small_and_promises_much(picture):
    """A few kilobytes whose header claims more pixels than Pillow's limit allows."""
    bomb = stored("bomb", picture)
    assert len(bomb.getvalue()) < 5_000
    with pytest.raises(Image.DecompressionBombError), warnings.catch_warnings():
        Image.open(bomb)


def test_an_animated_object_has_several_frames(picture):
    """A GIF with more than one frame."""
    with Image.open(stored("animated", picture)) as opened:
        assert (opened.format, opened.n_frames > 1) == ("GIF", True)


def test_cmyk_and_sixteen_bit_are_of_these_modes(picture):
    """A JPEG in the printers' colours, a PNG with two bytes a pixel; both hold the picture."""
    with Image.open(stored("cmyk", picture)) as opened:
        assert (opened.format, opened.mode) == ("JPEG", "CMYK")
        assert distance(opened.convert("RGB"), picture) < 4
    with Image.open(stored("sixteen_bit", picture)) as opened:
        assert (opened.format, opened.mode) == ("PNG", "I;16")
        half = Image.fromarray((np.asarray(opened) // 257).astype(np.uint8))
        assert distance(half, picture) < 1


def test_a_rotated_object_stands_upright_by_its_tag(picture):
    """Turned as EXIF says it is the picture again; as stored it is not."""
    for seed in range(6):
        with Image.open(stored("exif_rotated", picture, seed)) as opened:
            assert distance(opened, picture) > 8
            upright = ImageOps.exif_transpose(opened)
            assert upright.size == picture.size
            assert distance(upright, picture) < 3


def test_a_near_duplicate_is_another_file_of_the_same_picture(picture):
    """Smaller, other bytes, and to the eye the same."""
    again = store_again(np.random.default_rng(1), picture)
    assert again.width < picture.width
    assert 0 < distance(again, picture) < 25
