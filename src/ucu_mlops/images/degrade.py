"""What cameras and codecs do to pictures: light, blur, noise, JPEG's blocks, a thing in front."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from ucu_mlops.images.options import AugmentationOptions

BLOCK = 8
KERNEL = 9
# Quantization steps of JPEG's luminance at quality 50 (ITU-T T.81, table K.1), along the diagonal.
FIRST_STEP, LAST_STEP = 0.05, 0.45

Change = Callable[[Tensor, "_Chance"], Tensor]


def degrade(inputs: Tensor, options: AugmentationOptions, generator: torch.Generator) -> Tensor:
    """Make pictures worse, each in its own way.

    Args:
        inputs: Numbers from 0 to 1, shape ``(n, channels, side, side)``.
        options: How much.
        generator: Source of all chance, on the pictures' device.

    Returns:
        Numbers from 0 to 1, of the same shape.
    """
    chance = _Chance(inputs, generator)
    if options.light:
        inputs = _relit(inputs, options.light, chance)
    inputs = _some(inputs, options.blur, generator, partial(_blurred, options.largest_blur))
    if options.noise:
        noise = torch.randn(inputs.shape, generator=generator, device=inputs.device)
        inputs = inputs + noise * (chance.uniform(0, 1) ** 2 * options.noise)
    inputs = _some(inputs, options.jpeg, generator, _coded)
    inputs = _some(inputs, options.erase, generator, _erased)
    return inputs.clamp(0, 1)


class _Chance:
    """Draws one number per picture, of a shape that multiplies pictures."""

    def __init__(self, inputs: Tensor, generator: torch.Generator) -> None:
        self._n_pictures, self._device, self._generator = len(inputs), inputs.device, generator

    def uniform(self, low: float, high: float) -> Tensor:
        """Draw from low to high, shape ``(n, 1, 1, 1)``."""
        shape = (self._n_pictures, 1, 1, 1)
        drawn = torch.rand(shape, generator=self._generator, device=self._device)
        return low + (high - low) * drawn


def _some(inputs: Tensor, share: float, generator: torch.Generator, change: Change) -> Tensor:
    """Change a share of the pictures; the others cost nothing."""
    drawn = torch.rand(len(inputs), generator=generator, device=inputs.device)
    rows = torch.nonzero(drawn < share)[:, 0]
    if not len(rows):
        return inputs
    chosen = inputs[rows]
    return inputs.index_copy(0, rows, change(chosen, _Chance(chosen, generator)))


def _axes(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of each pixel, from -1 to 1."""
    side = inputs.shape[3]
    axis = torch.linspace(-1, 1, side, device=inputs.device)
    return axis[:, None], axis[None, :]


def _relit(inputs: Tensor, light: float, chance: _Chance) -> Tensor:
    """Change contrast, gamma and brightness, and let light fall off to one side."""
    contrast = torch.exp(chance.uniform(-2, 1) * light)
    gamma = torch.exp(chance.uniform(-1.5, 1.5) * light)
    rows, columns = _axes(inputs)
    angle = chance.uniform(0, 2 * math.pi)
    slope = (torch.cos(angle) * rows + torch.sin(angle) * columns) * chance.uniform(0, light)
    middle = chance.uniform(0.3, 0.7)
    relit = (inputs.clamp(1e-4, 1) ** gamma - middle) * contrast + middle
    return (relit + slope + chance.uniform(-light, light) / 2).clamp(0, 1)


def _blurred(largest: float, inputs: Tensor, chance: _Chance) -> Tensor:
    """Defocus or shake: a Gaussian, longer along one direction than across it."""
    n_pictures, channels, side, _ = inputs.shape
    offsets = torch.arange(KERNEL, device=inputs.device) - KERNEL // 2
    angle = chance.uniform(0, math.pi)
    rows, columns = offsets[:, None], offsets[None, :]
    along = torch.cos(angle) * rows + torch.sin(angle) * columns
    across = torch.cos(angle) * columns - torch.sin(angle) * rows
    longer = chance.uniform(0.3, max(largest, 0.3))
    shorter = longer * chance.uniform(0.2, 1.8).clamp(max=1)
    kernel = torch.exp(-((along / longer) ** 2 + (across / shorter.clamp(min=0.25)) ** 2) / 2)
    kernel = kernel / kernel.sum(dim=(2, 3), keepdim=True)
    kernel = kernel.expand(-1, channels, -1, -1).reshape(-1, 1, KERNEL, KERNEL)
    flat = inputs.reshape(1, n_pictures * channels, side, side)
    flat = functional.pad(flat, (KERNEL // 2,) * 4, mode="replicate")
    blurred = functional.conv2d(flat, kernel, groups=n_pictures * channels)
    return blurred.reshape(inputs.shape)


def _coded(inputs: Tensor, chance: _Chance) -> Tensor:
    """Round each block's cosine transform, coarser at high frequencies, as JPEG does."""
    side = inputs.shape[3]
    if side % BLOCK:
        return inputs
    order = torch.arange(BLOCK, device=inputs.device, dtype=torch.float32)
    basis = torch.cos(math.pi / BLOCK * order[:, None] * (order[None, :] + 0.5))
    basis = basis * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    blocks = torch.unflatten(torch.unflatten(inputs, 2, (-1, BLOCK)), 4, (-1, BLOCK)).transpose(
        3, 4
    )
    transformed = _both_axes(blocks, basis)
    frequency = (order[:, None] + order[None, :]) / (2 * BLOCK - 2)
    step = FIRST_STEP + (LAST_STEP - FIRST_STEP) * frequency
    step = step * chance.uniform(0.2, 1.5)[..., None, None]
    coded = _both_axes(torch.round(transformed / step) * step, basis.T)
    return coded.transpose(3, 4).flatten(4, 5).flatten(2, 3)


def _both_axes(blocks: Tensor, matrix: Tensor) -> Tensor:
    """Multiply each block's rows and columns by a matrix: two large products, not many tiny."""
    for _ in range(2):
        blocks = (blocks @ matrix.T).transpose(-1, -2)
    return blocks


def _erased(inputs: Tensor, chance: _Chance) -> Tensor:
    """Paint over a rectangle of at most a third of each side.

    References:
        Zhong et al. (2020), "Random erasing data augmentation", doi:10.1609/aaai.v34i07.7000.
    """
    rows, columns = _axes(inputs)
    here = (rows - chance.uniform(-1, 1)).abs() < chance.uniform(0.05, 0.3)
    there = (columns - chance.uniform(-1, 1)).abs() < chance.uniform(0.05, 0.3)
    return torch.where(here & there, chance.uniform(0, 1), inputs)
