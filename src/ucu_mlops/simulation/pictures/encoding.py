"""Pictures as objects of a store: the usual formats, and everything that can be wrong with them."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from ucu_mlops.simulation.pictures.camera import compress
from ucu_mlops.simulation.pictures.chance import between, chance, pick

_ORIENTATION = 0x0112  # EXIF tag
_TURNED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
_BOMB_SIDE = 60_000  # pixels: Pillow refuses from 179 million on

Encoded = tuple[bytes, str]


def encode(rng: np.random.Generator, image: Image.Image) -> Encoded:
    """Store a picture as phones and browsers do: JPEG mostly, at times PNG or WebP.

    Args:
        rng: Source of chance.
        image: Mode L or RGB.

    Returns:
        The bytes, and the ending of the file's name.
    """
    if chance(rng, 0.85):
        return _saved(image, "JPEG", quality=int(rng.integers(55, 96))), "jpg"
    if chance(rng, 0.3):
        return _saved(image, "WEBP", quality=int(rng.integers(60, 96)), method=0), "webp"
    transparent = image.convert("RGBA") if chance(rng, 0.3) else image
    return _saved(transparent, "PNG", compress_level=1), "png"


def store_again(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Make a near-duplicate: another size, quality and brightness, the same picture."""
    factor = between(rng, 0.6, 0.95)
    size = round(image.width * factor), round(image.height * factor)
    gain = between(rng, 0.9, 1.1)
    smaller = image.resize(size, Image.Resampling.BILINEAR).point(lambda value: value * gain)
    return compress(smaller, round(between(rng, 40, 90)))


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    stored = io.BytesIO()
    image.save(stored, form, **options)
    return stored.getvalue()


def _truncated(rng: np.random.Generator, image: Image.Image) -> Encoded:
    whole = _saved(image, "JPEG", quality=85)
    return whole[: round(len(whole) * between(rng, 0.2, 0.8))], "jpg"


def _not_an_image(rng: np.random.Generator, _: Image.Image) -> Encoded:
    page = b"<!doctype html><title>404 Not Found</title><p>The picture has moved.</p>"
    return pick(rng, (page, b"", rng.bytes(2_000), b"%PDF-1.7\n1 0 obj\n")), "jpg"


def _bomb(_: np.random.Generator, __: Image.Image) -> Encoded:
    """Make a PNG of a kilobyte whose header promises gigabytes."""
    header = struct.pack(">IIBBBBB", _BOMB_SIDE, _BOMB_SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(_BOMB_SIDE))), (b"IEND", b""))
    packed = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + packed, "png"


def _animated(rng: np.random.Generator, image: Image.Image) -> Encoded:
    frames = [image.point(lambda value, by=by: value * by // 10) for by in range(9, 6, -1)]
    pause = int(rng.integers(50, 200))
    return _saved(image, "GIF", save_all=True, append_images=frames, duration=pause), "gif"


def _cmyk(_: np.random.Generator, image: Image.Image) -> Encoded:
    return _saved(image.convert("CMYK"), "JPEG", quality=85), "jpg"


def _sixteen_bit(_: np.random.Generator, image: Image.Image) -> Encoded:
    deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return _saved(Image.fromarray(deep), "PNG", compress_level=1), "png"


def _exif_rotated(rng: np.random.Generator, image: Image.Image) -> Encoded:
    """Store the picture lying down, with the tag that says how to hold it."""
    orientation = pick(rng, tuple(_TURNED))
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return _saved(image.transpose(_TURNED[orientation]), "JPEG", quality=90, exif=exif), "jpg"


FAULTS: dict[str, Callable[[np.random.Generator, Image.Image], Encoded]] = {
    "truncated": _truncated,
    "not_an_image": _not_an_image,
    "bomb": _bomb,
    "animated": _animated,
    "cmyk": _cmyk,
    "sixteen_bit": _sixteen_bit,
    "exif_rotated": _exif_rotated,
}
