"""What light, lens, sensor and JPEG do to a scene."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ucu_mlops.simulation.pictures.chance import between, chance, log_uniform, pick
from ucu_mlops.simulation.pictures.scenery import ink

_COARSE = 24  # light varies slowly: it is drawn on a grid of this side
_REFERENCE = 320  # side at which blur radii are given

Field = NDArray[np.float32]


def photograph(rng: np.random.Generator, scene: Image.Image) -> Image.Image:
    """Take a picture of a flat scene.

    Args:
        rng: Source of chance.
        scene: Mode L or RGB.

    Returns:
        An image of the same size and mode.
    """
    scale = max(scene.size) / _REFERENCE
    seen = _blur(rng, scene, scale)
    pixels = np.asarray(seen, dtype=np.float32)
    pixels = _light(rng, pixels)
    if chance(rng, 0.7):
        strength = log_uniform(rng, 1, 18)
        pixels += strength * rng.standard_normal(pixels.shape, dtype=np.float32)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return compress(image, round(between(rng, 12, 95))) if chance(rng, 0.5) else image


def compress(image: Image.Image, quality: int) -> Image.Image:
    """Return the image as it comes back from JPEG."""
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return Image.open(stored).copy()


def occlude(rng: np.random.Generator, canvas: Image.Image) -> None:
    """Hold a finger or a stick before the scene, at its edge mostly."""
    width, height = canvas.size
    reach = between(rng, 0.06, 0.18) * max(width, height)
    x, y = pick(rng, ((0, rng.random()), (1, rng.random()), (rng.random(), 0), (rng.random(), 1)))
    x, y = x * width, y * height
    skin = (190, 140, 115) if chance(rng, 0.5) else ink(rng, 20, 220)
    fill = skin if canvas.mode == "RGB" else int(np.mean(skin))
    box = (x - reach, y - reach * 1.5, x + reach, y + reach * 1.5)
    ImageDraw.Draw(canvas).ellipse(box, fill=fill)


def _blur(rng: np.random.Generator, scene: Image.Image, scale: float) -> Image.Image:
    """Lose detail: few pixels, out of focus, or moved."""
    kind = rng.random()
    width, height = scene.size
    if kind < 0.2:  # noqa: PLR2004 - a fifth have fewer pixels than the picture shows
        factor = between(rng, 0.3, 0.8)
        small = (max(8, round(width * factor)), max(8, round(height * factor)))
        how = pick(rng, (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC))
        return scene.resize(small, Image.Resampling.BILINEAR).resize(scene.size, how)
    if kind < 0.5:  # noqa: PLR2004 - three in ten are out of focus
        return scene.filter(ImageFilter.GaussianBlur(scale * log_uniform(rng, 0.4, 2.4)))
    if kind < 0.62:  # noqa: PLR2004 - one in eight has moved
        along, across = scale * log_uniform(rng, 0.8, 4), scale * 0.3
        radius = (along, across) if chance(rng, 0.5) else (across, along)
        return scene.filter(ImageFilter.BoxBlur(radius))
    return scene


def _light(rng: np.random.Generator, pixels: Field) -> Field:
    """Light the scene unevenly, with shadows and glare, and expose it."""
    high, low = 255 - 110 * rng.random() ** 2, 50 * rng.random() ** 2
    pixels *= (high - low) / 255
    pixels += low
    if pixels.ndim == 3 and chance(rng, 0.6):  # noqa: PLR2004 - colour has three axes
        pixels *= rng.uniform(0.8, 1.15, 3).astype(np.float32)
    if chance(rng, 0.75):
        pixels *= _spread(_shade(rng), pixels)
    if chance(rng, 0.2):
        pixels += _spread(_glare(rng), pixels)
    return pixels


def _spread(coarse: Field, pixels: Field) -> Field:
    size = (pixels.shape[1], pixels.shape[0])
    fine = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
    spread: Field = fine if pixels.ndim == 2 else fine[..., None]  # noqa: PLR2004 - grey has two axes
    return spread


def _axes() -> tuple[Field, Field]:
    y, x = np.mgrid[-1 : 1 : _COARSE * 1j, -1 : 1 : _COARSE * 1j].astype(np.float32)
    return y, x


def _shade(rng: np.random.Generator) -> Field:
    """Return how much light falls where: a gradient, at times darker corners and a shadow."""
    y, x = _axes()
    slope = rng.normal(0, 0.2, 2)
    shade: Field = 1 + slope[0] * x + slope[1] * y
    if chance(rng, 0.3):
        shade -= between(rng, 0.05, 0.3) * (x * x + y * y) / 2
    if chance(rng, 0.35):
        angle, off = between(rng, 0, 2 * np.pi), between(rng, -0.6, 0.6)
        edge = (x * np.cos(angle) + y * np.sin(angle) - off) * log_uniform(rng, 2, 30)
        shade *= 1 - between(rng, 0.15, 0.6) * np.clip(0.5 + edge, 0, 1)
    cut: Field = np.clip(shade, 0.1, 1.8)
    return cut


def _glare(rng: np.random.Generator) -> Field:
    """Return what a lamp's reflection adds: a spot or a streak, or several as on foil."""
    y, x = _axes()
    glare = np.zeros_like(x)
    for _ in range(pick(rng, (1, 1, 2, 5))):
        angle = between(rng, 0, np.pi)
        centre = rng.uniform(-0.9, 0.9, 2)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
        width, length = log_uniform(rng, 0.08, 0.4), log_uniform(rng, 0.1, 1.2)
        spot = np.exp(-((along / length) ** 2) - (across / width) ** 2)
        glare += between(rng, 50, 260) * spot
    return glare.astype(np.float32)
