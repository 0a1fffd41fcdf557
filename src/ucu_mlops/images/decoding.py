"""Bytes from a stranger → a checked picture of one size, or a word why not.

header checked → decoded (JPEG: at the scale needed) → upright, grey or RGB → letterboxed uint8
"""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ucu_mlops.errors import ConfigurationError

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
SMALLEST = 8  # pixels of a side below which nothing can be seen
HASH_ROWS = 8
ORIENTATION, FIRST_TURNED = 0x0112, 5  # EXIF's tag, and its first value that swaps the axes


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
        max_bytes: Size above which an object is not decoded.
    """

    side: int = 320
    channels: int = 1
    max_pixels: int = 50_000_000
    max_bytes: int = 30_000_000

    def __post_init__(self) -> None:
        """Refuse sizes of nothing."""
        for key, least in (("side", SMALLEST), ("max_pixels", 1), ("max_bytes", 1)):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigurationError(
                    f"images.store.{key} must be a whole number from {least}, got {value!r}"
                )
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
    if len(content) > options.max_bytes:
        raise RefusedError("too_large", f"{len(content)} bytes, {options.max_bytes} are allowed")
    image = _opened(content, options)
    form, mode = str(image.format), "L" if options.channels == 1 else "RGB"
    width, height = image.size
    turned = image.getexif().get(ORIENTATION, 1) >= FIRST_TURNED
    # A JPEG is decoded at 1/2, 1/4 or 1/8 where that is still larger than what is stored.
    image.draft(mode, (options.side, options.side))
    fitted, box = _fit(_flat(_loaded(image), mode), options.side)
    shown = np.asarray(fitted).reshape(box[2], box[3], options.channels)
    pixels = np.zeros((options.side, options.side, options.channels), dtype=np.uint8)
    pixels[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = shown
    return Decoded(
        pixels=pixels,
        box=box,
        width=height if turned else width,
        height=width if turned else height,
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


def _opened(content: bytes, options: DecodingOptions) -> Image.Image:
    """Read the header alone, and refuse by what it says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata; sizes are checked below
            image = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as error:
        raise RefusedError("too_large", str(error)) from error
    except UnidentifiedImageError as error:
        raise RefusedError("not_an_image", f"{len(content)} bytes, no known format") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise RefusedError("unreadable", str(error)) from error
    width, height = image.size
    if width * height > options.max_pixels:
        raise RefusedError(
            "too_large", f"{width} x {height} pixels, {options.max_pixels} are allowed"
        )
    if min(width, height) < SMALLEST:
        raise RefusedError("too_small", f"{width} x {height} pixels, {SMALLEST} are needed")
    if getattr(image, "is_animated", False):
        raise RefusedError("animated", f"{image.format} of {getattr(image, 'n_frames', 2)} frames")
    return image


def _loaded(image: Image.Image) -> Image.Image:
    """Decode the pixels, upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # Pillow has no class of its own for a file that ends too early.
        reason = "truncated" if "truncated" in str(error).lower() else "unreadable"
        raise RefusedError(reason, str(error)) from error


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


def _fit(image: Image.Image, side: int) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Resize to the longer side, aspect kept; give where it lies, centred, in the square."""
    scale = side / max(image.size)
    width, height = (max(1, min(side, round(each * scale))) for each in image.size)
    fitted = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return fitted, ((side - height) // 2, (side - width) // 2, height, width)
