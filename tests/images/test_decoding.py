"""Bytes from a stranger: each kind is taken in as documented, or refused with its reason."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.decoding import REASONS, DecodingOptions, RefusedError, decode

SIDE = 64
GREY = DecodingOptions(side=SIDE, channels=1)
RGB = DecodingOptions(side=SIDE, channels=3)
ORIENTATION = 0x0112


def photograph(width: int = 160, height: int = 120) -> Image.Image:
    """Draw a wide picture, bright at the top and dark at the bottom, with a red left edge."""
    light = np.linspace(230, 20, height)[:, None].repeat(width, axis=1)
    image = Image.fromarray(light.astype(np.uint8)).convert("RGB")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height), fill=(200, 0, 0))
    return image


def encoded(image: Image.Image, form: str = "PNG", **how: object) -> bytes:
    """Give a picture's bytes."""
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def frames(form: str) -> bytes:
    """Give an animation of two frames."""
    second = photograph().transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return encoded(photograph(), form, save_all=True, append_images=[second], duration=100)


def bomb() -> bytes:
    """Give a PNG of 900 megapixels by its header, in less than 100 bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


REFUSED = {
    "truncated JPEG": (lambda: encoded(photograph(), "JPEG")[:-900], "truncated"),
    "truncated PNG": (lambda: encoded(photograph(), "PNG")[:200], "truncated"),
    "text": (lambda: b"<html>this is not a picture</html>", "not_an_image"),
    "nothing": (lambda: b"", "not_an_image"),
    "PostScript, a program": (lambda: encoded(photograph(), "EPS"), "not_an_image"),
    "bomb": (bomb, "too_large"),
    "animated GIF": (lambda: frames("GIF"), "animated"),
    "animated PNG": (lambda: frames("PNG"), "animated"),
    "animated WebP": (lambda: frames("WEBP"), "animated"),
    "two pages": (lambda: frames("TIFF"), "animated"),
    "a dot": (lambda: encoded(photograph(4, 4)), "too_small"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_of_its_own_is_refused_by_name(kind):
    """Each faulty kind has its reason, one of the fixed list, and a detail for people."""
    make, reason = REFUSED[kind]
    with pytest.raises(RefusedError) as refusal:
        decode(make(), GREY)
    assert (refusal.value.reason, reason in REASONS) == (reason, True)
    assert refusal.value.detail


def test_more_pixels_than_allowed_are_not_decoded():
    """The limit is the configuration's, not only Pillow's own."""
    with pytest.raises(RefusedError, match="too_large: 160 x 120 pixels, 1000 are allowed"):
        decode(encoded(photograph()), DecodingOptions(max_pixels=1000))


def sixteen_bits() -> bytes:
    """Give a 16-bit grey PNG whose upper bytes are the photograph's."""
    grey = np.asarray(photograph().convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


TAKEN = {
    "JPEG": lambda: encoded(photograph(), "JPEG", quality=95),
    "progressive JPEG": lambda: encoded(photograph(), "JPEG", quality=95, progressive=True),
    "grey JPEG": lambda: encoded(photograph().convert("L"), "JPEG", quality=95),
    "CMYK JPEG": lambda: encoded(photograph().convert("CMYK"), "JPEG", quality=95),
    "PNG": lambda: encoded(photograph()),
    "16-bit PNG": sixteen_bits,
    "palette": lambda: encoded(photograph().quantize(64)),
    "still GIF": lambda: encoded(photograph(), "GIF"),
    "WebP": lambda: encoded(photograph(), "WEBP", quality=95),
    "AVIF": lambda: encoded(photograph(), "AVIF", quality=95),
    "BMP": lambda: encoded(photograph(), "BMP"),
    "TIFF": lambda: encoded(photograph(), "TIFF"),
    "MPO of a telephone": lambda: encoded(
        photograph(), "MPO", save_all=True, append_images=[photograph(40, 30)], quality=95
    ),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", TAKEN)
def test_every_kind_of_picture_looks_like_the_same_photograph(kind, channels):
    """Whatever the file's format and colours, the stored pixels are those of the scene."""
    found = decode(TAKEN[kind](), DecodingOptions(side=SIDE, channels=channels))
    whole = photograph().convert(
        "L" if channels == 1 or "16-bit" in kind or "grey" in kind else "RGB"
    )
    small = np.asarray(whole.resize((64, 48), Image.Resampling.BILINEAR)).astype(float)
    assert (found.width, found.height, found.box) == (160, 120, (8, 0, 48, 64))
    assert found.pixels.shape == (SIDE, SIDE, channels)
    far = np.abs(found.pixels[8:56] - small.reshape(48, 64, -1))
    assert far.mean() < 4
    assert not found.pixels[:8].any()
    assert not found.pixels[56:].any()
    assert found.brightness == pytest.approx(found.pixels[8:56].mean() / 255)


def transparent_palette() -> Image.Image:
    """Give a palette picture all of whose reds are see-through."""
    image = photograph().quantize(8)
    image.info["transparency"] = image.getpixel((0, 0))
    return image


@pytest.mark.parametrize(
    "image",
    [
        transparent_palette(),
        Image.new("RGBA", (160, 120), (200, 0, 0, 0)),
        Image.new("LA", (160, 120), (40, 0)),
    ],
    ids=["palette", "RGBA", "LA"],
)
def test_what_is_transparent_is_laid_on_white(image):
    """A see-through corner is white, whatever colour hides in it."""
    found = decode(encoded(image, "PNG"), RGB)
    assert (found.pixels[9, 1] == 255).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_however_the_camera_was_held(form, orientation):
    """Each of EXIF's eight orientations gives the pixels and size of the upright picture."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose that EXIF's turn undoes
    held = photograph()
    if orientation in undo:
        held = held.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    found = decode(encoded(held, form, exif=exif), RGB)
    upright = decode(encoded(photograph(), form), RGB)
    assert (found.width, found.height, found.box) == (160, 120, upright.box)
    assert np.abs(found.pixels.astype(int) - upright.pixels).mean() < 4


def test_a_picture_has_one_hash_however_it_was_turned_into_bytes():
    """The same bytes always give the same; other bytes of the same scene another SHA-256."""
    first, again = decode(encoded(photograph()), GREY), decode(encoded(photograph()), GREY)
    other = decode(encoded(photograph(), "BMP"), GREY)
    assert (first.pixels == again.pixels).all()
    assert (first.sha256, first.dhash) == (again.sha256, again.dhash)
    assert first.sha256 != other.sha256
    assert first.dhash == other.dhash


@pytest.mark.parametrize("width", [8, 3000])
def test_small_and_narrow_pictures_fill_the_longer_side(width):
    """Eight pixels are enlarged; a strip of 3000 by 8 keeps at least one row."""
    found = decode(encoded(photograph(width, 8)), GREY)
    assert max(found.box[2:]) == SIDE
    assert min(found.box[2:]) >= 1


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]),
    place=st.floats(0, 1, exclude_max=True),
    damage=st.binary(min_size=1, max_size=12),
    cut=st.floats(0, 1),
)
@pytest.mark.filterwarnings("ignore:::PIL")
def test_damaged_bytes_are_decoded_or_refused_and_nothing_else(form, place, damage, cut):
    """Overwritten somewhere and cut anywhere, a file never raises but the refusal."""
    content = bytearray(encoded(photograph(40, 30), form))
    at = int(place * len(content))
    content[at : at + len(damage)] = damage
    with contextlib.suppress(RefusedError):
        found = decode(bytes(content[: int(cut * len(content))]), DecodingOptions(side=16))
        assert found.pixels.shape == (16, 16, 1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"side": 4}, "images.store.side must be a whole number at least 8, got 4"),
        ({"side": True}, "images.store.side must be"),
        ({"channels": 2}, r"images.store.channels must be 1 \(grey\) or 3"),
        ({"max_pixels": 0}, "images.store.max_pixels must be"),
    ],
)
def test_impossible_sizes_are_refused(raw, said):
    """One line names the key and what it may be."""
    with pytest.raises(ConfigurationError, match=said):
        DecodingOptions(**raw)
