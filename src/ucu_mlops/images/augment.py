"""Training pictures vary: on the device, a batch at a time, and where codes lie varies along.

One affine view per picture (flip, turn, rotation, aspect, zoom), sampled from the stored picture at
twice the input's resolution and averaged; then what cameras do (``degrade``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ucu_mlops.images.degrade import degrade
from ucu_mlops.images.options import AugmentationOptions, ImageModelOptions
from ucu_mlops.images.pictures import UNKNOWN
from ucu_mlops.images.preprocessing import FULL_WHITE, LUMA
from ucu_mlops.images.settings import GREY, PreprocessingSettings

# Samples per axis and pixel of the input: averaged, they are the antialiasing filter.
SAMPLES = 2
# A label is shown when this share of where it lies is seen, and not when less than the second is.
SHOWN, HIDDEN = 0.6, 0.1
# A token shows a label when this share of it is covered, and not when less than the second is.
COVERED, BARE = 0.5, 0.1

Uniform = Callable[..., Tensor]


@dataclass(frozen=True)
class Batch:
    """What one step of training sees.

    Attributes:
        inputs: Shape ``(n, channels, side, side)``, normalised.
        labels: 1.0, 0.0 or NaN, shape ``(n, n_labels)``.
        tokens: The same per token, row by row, shape ``(n, n_tokens, n_labels)``; None where
            nothing is known of where labels lie.
    """

    inputs: Tensor
    labels: Tensor
    tokens: Tensor | None

    def part(self, first: int, last: int) -> "Batch":
        """Some of the batch's pictures."""
        tokens = None if self.tokens is None else self.tokens[first:last]
        return Batch(self.inputs[first:last], self.labels[first:last], tokens)


@dataclass(frozen=True)
class Stored:
    """Pictures as they are kept, on the device: tensors of what ``Pictures`` holds."""

    pixels: Tensor
    boxes: Tensor
    labels: Tensor
    masks: Tensor | None


def augment(stored: Stored, options: ImageModelOptions, generator: torch.Generator) -> Batch:
    """Make a batch of varied inputs out of stored pictures.

    Args:
        stored: The pictures.
        options: How much they vary, and what the network is fed.
        generator: Source of all chance, on the pictures' device.
    """
    settings, varied = options.preprocessing, options.augmentation
    planes = _planes(stored.pixels, settings.channels)
    views = _views(stored, varied, settings, generator)
    shape = (len(planes), settings.channels, settings.side * SAMPLES, settings.side * SAMPLES)
    grid = functional.affine_grid(views, list(shape), align_corners=False)
    sampled = functional.grid_sample(planes, grid, mode="bilinear", align_corners=False)
    inputs = functional.avg_pool2d(sampled, SAMPLES) / FULL_WHITE
    inputs = degrade(inputs, varied, generator)
    mean = torch.tensor(settings.mean, device=inputs.device)[:, None, None]
    std = torch.tensor(settings.std, device=inputs.device)[:, None, None]
    labels, tokens = _seen(stored, views, settings.side // options.network.patch)
    return Batch(inputs=(inputs - mean) / std, labels=labels, tokens=tokens)


def _planes(pixels: Tensor, channels: int) -> Tensor:
    """Pixels as numbers from 0 to 255, shape ``(n, channels, side, side)``."""
    planes = pixels.permute(0, 3, 1, 2).float()
    if channels == GREY and planes.shape[1] != GREY:
        luma = torch.tensor(LUMA, device=planes.device)[:, None, None]
        return (planes * luma).sum(dim=1, keepdim=True)
    return planes.expand(-1, channels, -1, -1)


def _views(
    stored: Stored,
    options: AugmentationOptions,
    settings: PreprocessingSettings,
    generator: torch.Generator,
) -> Tensor:
    """What each input shows of its picture: affine maps, shape ``(n, 2, 3)``."""
    n_pictures, side = len(stored.pixels), stored.pixels.shape[1]
    device = stored.pixels.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(n_pictures, *shape, generator=generator, device=device)
        return low + (high - low) * drawn

    def chosen(share: float) -> Tensor:
        return uniform(0, 1) < share

    content = stored.boxes.float() * 2 / side
    # x and y of the content's middle, and half its size, in units of half a side.
    half = content[:, [3, 2]] / 2
    centre = content[:, [1, 0]] + half - 1
    if settings.fit == "letterbox":
        half = half.amax(dim=1, keepdim=True).expand(-1, 2)
    centre, half = _zoomed(stored, (centre, half), options, chosen(options.zoom), uniform)
    angle = uniform(-1, 1) * math.radians(options.rotation)
    quarters = torch.floor(uniform(0, 4)) * chosen(options.turn)
    angle = angle + quarters * (math.pi / 2)
    aspect = torch.exp(uniform(-1, 1, 2) * math.log1p(options.stretch))
    flips = 1 - 2 * torch.stack([chosen(options.flip), chosen(options.flip)], dim=1).float()
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turned = torch.stack([cosine, -sine, sine, cosine], dim=1).reshape(-1, 2, 2)
    linear = half[:, :, None] * turned * (flips * aspect)[:, None, :]
    return torch.cat([linear, centre[:, :, None]], dim=2)


def _zoomed(
    stored: Stored,
    frame: tuple[Tensor, Tensor],
    options: AugmentationOptions,
    closer: Tensor,
    uniform: Uniform,
) -> tuple[Tensor, Tensor]:
    """Move some views closer: around a code whose place is known, anywhere where there is none."""
    centre, half = frame
    nothing = (stored.labels == 0).all(dim=1)
    least = torch.where(nothing, torch.tensor(0.2, device=half.device), options.smallest_view)
    shown = torch.exp(torch.log(least) * uniform(0, 1))[:, None]
    free_half = half * shown
    free_centre = centre + (half - free_half) * uniform(-1, 1, 2)
    if stored.masks is not None:
        found, code_centre, code_half = _extent(stored.masks, uniform(0, 1))
        # From a view the code overfills by a little to one in which it takes up a third.
        wanted = code_half.amax(dim=1, keepdim=True) * torch.exp(uniform(-0.1, 1.1, 1))
        wanted = torch.minimum(wanted.expand(-1, 2).clamp(min=0.08), half)
        shift = code_centre + wanted * 0.3 * uniform(-1, 1, 2)
        free_half = torch.where(found[:, None], wanted, free_half)
        free_centre = torch.where(found[:, None], shift, free_centre)
    return (
        torch.where(closer[:, None], free_centre, centre),
        torch.where(closer[:, None], free_half, half),
    )


def _extent(masks: Tensor, choice: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where one label of each picture lies: whether known, middle and half size."""
    here = masks == 1
    present = here.any(dim=3).any(dim=2)
    # One of the labels that lie somewhere, each as likely.
    count = present.sum(dim=1)
    rank = torch.floor(choice * count).long().clamp(max=masks.shape[1] - 1)
    order = torch.cumsum(present.long(), dim=1) - 1
    label = ((order == rank[:, None]) & present).long().argmax(dim=1)
    plane = here[torch.arange(len(masks), device=masks.device), label]
    edges = torch.linspace(-1, 1, masks.shape[3] + 1, device=masks.device)
    low, high = edges[:-1], edges[1:]
    middles, halves = [], []
    for along in (plane.any(dim=1), plane.any(dim=2)):
        first = torch.where(along, low, 1.0).amin(dim=1)
        last = torch.where(along, high, -1.0).amax(dim=1)
        middles.append((first + last) / 2)
        halves.append((last - first) / 2)
    return count > 0, torch.stack(middles, dim=1), torch.stack(halves, dim=1)


def _seen(stored: Stored, views: Tensor, tokens: int) -> tuple[Tensor, Tensor | None]:
    """What the views show, and in which tokens."""
    if stored.masks is None:
        return stored.labels, None
    located = (stored.masks == 1).float()
    unknown = (stored.masks == UNKNOWN).float()
    n_labels, fine = located.shape[1], tokens * SAMPLES * SAMPLES
    grid = functional.affine_grid(views, [len(views), 1, fine, fine], align_corners=False)
    sampled = functional.grid_sample(
        torch.cat([located, unknown], dim=1), grid, mode="bilinear", align_corners=False
    )
    cover, unsure = torch.split(functional.avg_pool2d(sampled, SAMPLES * SAMPLES), n_labels, dim=1)
    nan = torch.tensor(math.nan, device=cover.device)
    scale = torch.linalg.det(views[:, :, :2]).abs()[:, None] * (2 / tokens) ** 2
    whole = located.sum(dim=(2, 3)) * (2 / located.shape[3]) ** 2
    share = cover.sum(dim=(2, 3)) * scale / whole.clamp(min=1e-9)
    visible = torch.where(share >= SHOWN, 1.0, torch.where(share <= HIDDEN, 0.0, nan))
    labels = torch.where((whole > 0) & (stored.labels == 1), visible, stored.labels)
    dense = torch.where(cover >= COVERED, 1.0, torch.where(cover <= BARE, 0.0, nan))
    dense = torch.where((unsure > BARE) & (cover < COVERED), nan, dense)
    return labels, dense.flatten(2).transpose(1, 2)
