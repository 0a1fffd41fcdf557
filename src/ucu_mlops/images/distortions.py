"""What happens to pictures on their way to a platform: compressed, shrunk, turned, blurred, cut.

Each takes a picture's content and gives one of the same size, so that it stays where it was.
"""

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageFilter


def compress(picture: Image.Image, quality: float) -> Image.Image:
    """Save as JPEG of a quality (1..95) and read again."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=round(quality))
    return Image.open(buffer).convert(picture.mode)


def shrink(picture: Image.Image, share: float) -> Image.Image:
    """Keep only so much of the resolution: down to a share of each side, and up again."""
    small = picture.resize(
        (max(1, round(picture.width * share)), max(1, round(picture.height * share))),
        Image.Resampling.BOX,
    )
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def turn(picture: Image.Image, degrees: float) -> Image.Image:
    """Turn counter-clockwise about the centre; what comes into view is black."""
    return picture.rotate(degrees, Image.Resampling.BICUBIC)


def blur(picture: Image.Image, sigma: float) -> Image.Image:
    """Blur by a Gaussian, ``sigma`` in pixels."""
    return picture.filter(ImageFilter.GaussianBlur(sigma))


def cut(picture: Image.Image, share: float) -> Image.Image:
    """Keep the middle: a share of each side, enlarged to the old size."""
    across, down = picture.width * (1 - share) / 2, picture.height * (1 - share) / 2
    box = (across, down, picture.width - across, picture.height - down)
    return picture.resize(picture.size, Image.Resampling.BICUBIC, box=box)


DISTORTIONS: Mapping[str, Callable[[Image.Image, float], Image.Image]] = {
    "jpeg_quality": compress,
    "scale": shrink,
    "rotation": turn,
    "blur": blur,
    "crop": cut,
}
