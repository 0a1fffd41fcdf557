"""Bytes from a stranger → a checked picture of one size, or a word why not.

header checked → decoded (JPEG: at the scale needed) → upright, grey or RGB → letterboxed uint8
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import COUNT, Allowed, check_numbers

# Why a picture is refused; "quarantine.reason" holds one of these.
REASONS = (
    "place_not_allowed",
    "missing",
    "unreachable",
    "too_large",
    "too_small",
    "not_an_image",
    "animated",
    "truncated",
    "unreadable",
)
# Tried on a stranger's bytes; Pillow's others start programs, or are no photographs'.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # an MPO begins as a JPEG
SMALLEST = 8  # pixels of a side below which nothing can be seen
HASH_ROWS = 8
ORIENTATION = 0x0112  # EXIF's tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPPING = (5, 6, 7, 8)  # width becomes height


class RefusedError(Exception):
    """A picture that is not taken in, with one of ``REASONS`` and what exactly was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class DecodingOptions:
    """What a stored picture looks like.

    Attributes:
        side: Width and height that every picture is letterboxed to, in pixels.
        channels: 1 (grey) or 3 (RGB).
        max_pixels: Pixels by its header above which a picture is not decoded.
    """

    side: int = 320
    channels: int = 1
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        """Refuse sizes of nothing."""
        side = Allowed(least=SMALLEST, whole=True)
        check_numbers(self, "images.store", FILE, side=side, max_pixels=COUNT)
        if self.channels not in {1, 3}:
            raise ConfigurationError(
                f"images.store.channels must be 1 (grey) or 3 (RGB), got {self.channels!r}"
            )


@dataclass(frozen=True)
class Decoded:
    """A picture as it is stored.

    Attributes:
        pixels: uint8, shape ``(side, side, channels)``; outside of ``box`` 0.
        box: Top, left, height and width of the content.
        width: Of the original, upright, in pixels.
        height: Of the original, upright, in pixels.
        format: ``JPEG``, ``PNG`` …
        brightness: Mean of the content, 0 (black) to 1.
        dhash: 64 bits that near-duplicates share but for a few (differences of neighbours in a
            picture of 9 by 8 pixels; N. Krawetz, "Kind of Like That", 2013).
        sha256: Of the bytes, hexadecimal.
    """

    pixels: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    width: int
    height: int
    format: str
    brightness: float
    dhash: int
    sha256: str


def decode(content: bytes, options: DecodingOptions) -> Decoded:
    """Check, decode, turn upright, resize once.

    CMYK, palettes, 16 bits per channel and grey become 8-bit grey or RGB; what is transparent is
    laid on white; EXIF's orientation is heeded.

    Raises:
        RefusedError: It is too large or small, no image, animated, truncated or damaged.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check(image, options)
            form, (width, height) = str(image.format), image.size
            fitted = _fitted(image, "L" if options.channels == 1 else "RGB", options.side)
            # After the pixels: a PNG may say it behind them, and a TIFF was turned with them.
            turn = image.getexif().get(ORIENTATION, 1)
    except RefusedError:
        raise
    except Image.DecompressionBombError as error:
        raise RefusedError("too_large", str(error)) from error
    except UnidentifiedImageError as error:
        detail = f"{len(content)} bytes, none of {', '.join(FORMATS)}"
        raise RefusedError("not_an_image", detail) from error
    except Exception as error:  # each of Pillow's decoders fails with classes of its own
        reason = "truncated" if "truncated" in str(error).lower() else "unreadable"
        raise RefusedError(reason, f"{type(error).__name__}: {error}") from error
    if turn in TURNS:
        fitted = fitted.transpose(TURNS[turn])
    if turn in SWAPPING:
        width, height = height, width
    box = _centred(fitted.size, options.side)
    shown = np.asarray(fitted).reshape(box[2], box[3], options.channels)
    pixels = np.zeros((options.side, options.side, options.channels), dtype=np.uint8)
    pixels[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = shown
    return Decoded(
        pixels=pixels,
        box=box,
        width=width,
        height=height,
        format=form,
        brightness=float(shown.mean() / 255),
        dhash=difference_hash(fitted),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def difference_hash(image: Image.Image) -> int:
    """Say, for each of 8 by 8 neighbours in a small grey copy, which one is brighter."""
    small = image.convert("L").resize((HASH_ROWS + 1, HASH_ROWS), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.int16)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")


def _check(image: Image.Image, options: DecodingOptions) -> None:
    """Refuse by what the header says."""
    width, height = image.size
    if width * height > options.max_pixels:
        raise RefusedError(
            "too_large", f"{width} x {height} pixels, {options.max_pixels} are allowed"
        )
    if min(width, height) < SMALLEST:
        raise RefusedError("too_small", f"{width} x {height} pixels, {SMALLEST} are needed")
    # A telephone's MPO is a photograph with a preview or a depth map behind it.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise RefusedError("animated", f"{image.format} of {getattr(image, 'n_frames', 2)} frames")


def _fitted(image: Image.Image, mode: str, side: int) -> Image.Image:
    """Decode, and resize to the longer side, aspect kept."""
    scale = side / max(image.size)
    width, height = (max(1, min(side, round(each * scale))) for each in image.size)
    # A JPEG is decoded at 1/2, 1/4 or 1/8 where that is no smaller than what is stored.
    image.draft(mode, (width, height))
    image.load()
    flat = _flat(image, mode)
    return flat.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _centred(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    """Give top, left, height and width of the content in the square."""
    width, height = size
    return (side - height) // 2, (side - width) // 2, height, width


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """Bring any mode to grey or RGB of 8 bits."""
    if image.mode.startswith("I"):  # 16 bits, or 32 that hold 16
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        image = Image.fromarray(np.asarray(image).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    return image if image.mode == mode else image.convert(mode)
