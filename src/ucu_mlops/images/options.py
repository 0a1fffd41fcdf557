"""What can be chosen about the image network, as checked data; imported without torch.

``preprocessing`` how a picture becomes numbers · ``network`` what is trained · ``augmentation`` how
pictures vary · ``finetuning`` the loop · ``looks`` the second look · ``parity`` what int8 must keep
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from ucu_mlops.errors import ConfigurationError

GREY, COLOUR = 1, 3


def _need(met: bool, key: str, asked: str, value: object) -> None:
    """Refuse a value in one line: where, what is asked, what came."""
    if not met:
        raise ConfigurationError(f"images.model.{key} must be {asked}, got {value!r}")


def _positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _within(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and low <= value <= high


@dataclass(frozen=True)
class PreprocessingSettings:
    """How a picture becomes the network's input; travels with the network.

    Attributes:
        side: Width and height of the input, in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        mean: Subtracted from each channel scaled to 0..1.
        std: Divided by, per channel.
        fit: ``letterbox`` (aspect kept, centred, padding 0) or ``stretch``, as ViT's own processor.
    """

    side: int = 128
    channels: int = GREY
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    fit: str = "letterbox"

    def __post_init__(self) -> None:
        """Refuse settings under which no picture becomes an input."""
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))
        _need(_positive_int(self.side), "preprocessing.side", "a whole number from 1", self.side)
        known = (GREY, COLOUR)
        _need(self.channels in known, "preprocessing.channels", "1 or 3", self.channels)
        for key in ("mean", "std"):
            value = getattr(self, key)
            right = len(value) == self.channels and all(_within(each, 0, 1) for each in value)
            _need(right, f"preprocessing.{key}", f"{self.channels} numbers from 0 to 1", value)
        _need(min(self.std) > 0, "preprocessing.std", "above 0", self.std)
        fits = ("letterbox", "stretch")
        _need(self.fit in fits, "preprocessing.fit", "letterbox or stretch", self.fit)


@dataclass(frozen=True)
class NetworkOptions:
    """What is trained: a checkpoint, or a compact ViT from its configuration.

    Attributes:
        checkpoint: Name or folder of a ViT's checkpoint; empty: the compact one, from scratch.
        download: Whether a checkpoint that is not at hand may be fetched.
        head: ``new`` draws the classifier anew; ``keep`` needs the checkpoint's labels to be ours.
        stem: ``convolutional`` (learns from few pictures) or ``patch``, of the compact ViT.
        patch: Pixels per token and axis.
        width: Numbers per token.
        depth: Layers.
        heads: Attention heads.
    """

    checkpoint: str = ""
    download: bool = False
    head: str = "new"
    stem: str = "convolutional"
    patch: int = 16
    width: int = 128
    depth: int = 4
    heads: int = 4

    def __post_init__(self) -> None:
        """Refuse a network that cannot be built."""
        for key in ("patch", "width", "depth", "heads"):
            value = getattr(self, key)
            _need(_positive_int(value), f"network.{key}", "a whole number from 1", value)
        _need(self.width % self.heads == 0, "network.width", "a multiple of heads", self.width)
        _need(self.head in {"new", "keep"}, "network.head", "new or keep", self.head)
        stems = ("convolutional", "patch")
        _need(self.stem in stems, "network.stem", "convolutional or patch", self.stem)
        power = self.patch & (self.patch - 1) == 0 and self.patch > 1
        _need(power or self.stem == "patch", "network.patch", "a power of two", self.patch)


@dataclass(frozen=True)
class AugmentationOptions:
    """How training pictures vary; each a share of the pictures or a largest change.

    Attributes:
        flip: Share mirrored, per axis; 0 where a mirror image would mean something else.
        turn: Share turned by a random quarter.
        rotation: Largest further rotation, in degrees.
        stretch: Largest change of the aspect, as a share.
        zoom: Share shown closer, as a second look would; where a code's place is known, around it.
        smallest_view: Least share of a side that a zoom without a known place still shows.
        light: Largest change of brightness and of contrast, in units of full white.
        blur: Share blurred.
        largest_blur: Largest standard deviation of the blur, in pixels of the input.
        noise: Largest standard deviation of added noise, in units of full white.
        jpeg: Share coded coarsely as JPEG does.
        erase: Share with one rectangle painted over.
    """

    flip: float = 0.5
    turn: float = 0.5
    rotation: float = 20.0
    stretch: float = 0.2
    zoom: float = 0.6
    smallest_view: float = 0.75
    light: float = 0.2
    blur: float = 0.25
    largest_blur: float = 1.4
    noise: float = 0.04
    jpeg: float = 0.2
    erase: float = 0.1

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        largest = {"rotation": 180.0, "largest_blur": 4.0}
        for each in fields(self):
            top = largest.get(each.name, 1.0)
            value = getattr(self, each.name)
            right = _within(value, 0, top)
            _need(right, f"augmentation.{each.name}", f"from 0 to {top:g}", value)
        _need(self.smallest_view > 0, "augmentation.smallest_view", "above 0", 0)

    @classmethod
    def none(cls) -> Self:
        """Nothing varies."""
        return cls(**{each.name: 0 for each in fields(cls) if each.name != "smallest_view"})


@dataclass(frozen=True)
class FinetuningOptions:
    """The loop.

    Attributes:
        samples: Pictures shown in all, repeats counted.
        epochs: Parts the samples are cut into; after each: validation and a checkpoint.
        batch: Pictures per step of the optimizer.
        learning_rate: AdamW's at its highest.
        weight_decay: AdamW's.
        warm_up: Share of the steps in which the learning rate rises.
        layer_decay: Each layer's learning rate is that of the next one times this; 1: all equal.
        head_first: Share of the steps in which only the classifier learns.
        loss: ``bce``, or ``asymmetric`` (easy negatives count less).
        positive_weight: Largest weight of a label's positives; they weigh as much as its negatives.
        token_weight: Weight of the loss per token, where it is known where a label lies.
        average: Decay of the average of the weights per step, which is what is kept; 0: the last.
        patience: Epochs without a better validation after which training ends.
        precision: ``auto`` (bf16 where the device multiplies it fast), ``bf16`` or ``fp32``.
        checkpoint_steps: Steps between checkpoints within an epoch; 0: only after epochs.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        seed: Of all chance.
    """

    samples: int = 80_000
    epochs: int = 8
    batch: int = 32
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.05
    layer_decay: float = 1.0
    head_first: float = 0.0
    loss: str = "bce"
    positive_weight: float = 1.0
    token_weight: float = 1.0
    average: float = 0.998
    patience: int = 8
    precision: str = "auto"
    checkpoint_steps: int = 0
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a loop that cannot run."""
        for key in ("samples", "epochs", "batch", "patience"):
            value = getattr(self, key)
            _need(_positive_int(value), f"finetuning.{key}", "a whole number from 1", value)
        bounds = {
            "learning_rate": (1e-8, 1.0),
            "weight_decay": (0, 1),
            "warm_up": (0, 1),
            "layer_decay": (0.1, 1),
            "head_first": (0, 1),
            "positive_weight": (1, 1000),
            "token_weight": (0, 100),
            "average": (0, 0.99999),
            "checkpoint_steps": (0, 1_000_000),
            "seed": (0, 2**31),
        }
        for key, (low, high) in bounds.items():
            value = getattr(self, key)
            asked = f"from {low:g} to {high:g}"
            _need(_within(value, low, high), f"finetuning.{key}", asked, value)
        chosen = {
            "loss": ("bce", "asymmetric"),
            "precision": ("auto", "bf16", "fp32"),
            "device": ("auto", "cpu", "cuda"),
        }
        for key, known in chosen.items():
            value = getattr(self, key)
            _need(value in known, f"finetuning.{key}", f"one of {known}", value)
        _need(
            self.samples >= self.epochs * self.batch,
            "finetuning.samples",
            f"at least epochs times batch ({self.epochs * self.batch})",
            self.samples,
        )


@dataclass(frozen=True)
class LookOptions:
    """The second look: what the first found is looked at again, closer.

    Attributes:
        looks: 1 or 2.
        fired: A token's probability from which it is part of what was found.
        margin: Added around it on each side, as a share of its size.
        smallest: Least share of the longer side that a second look shows.
        weight: Weight of the second look's answer; the first has the rest.
    """

    looks: int = 2
    fired: float = 0.3
    margin: float = 0.15
    smallest: float = 0.2
    weight: float = 0.7

    def __post_init__(self) -> None:
        """Refuse looks that are none."""
        _need(self.looks in {1, 2}, "looks.looks", "1 or 2", self.looks)
        for key, high in (("fired", 1), ("margin", 2), ("smallest", 1), ("weight", 1)):
            value = getattr(self, key)
            _need(_within(value, 0, high), f"looks.{key}", f"from 0 to {high}", value)


@dataclass(frozen=True)
class ParityOptions:
    """What a quantized network must keep to be released.

    Attributes:
        pictures: Fewest pictures compared; fewer bound nothing.
        largest_change: Largest upper bound, per label, on the share of changed decisions.
        confidence: One-sided confidence of that bound.
    """

    pictures: int = 2_000
    largest_change: float = 0.01
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a comparison that compares nothing."""
        _need(_positive_int(self.pictures), "parity.pictures", "from 1", self.pictures)
        for key in ("largest_change", "confidence"):
            value = getattr(self, key)
            right = _within(value, 0, 1) and 0 < value < 1
            _need(right, f"parity.{key}", "above 0 and below 1", value)


@dataclass(frozen=True)
class ImageModelOptions:
    """All that can be chosen about the image network, a section each."""

    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    augmentation: AugmentationOptions = field(default_factory=AugmentationOptions)
    finetuning: FinetuningOptions = field(default_factory=FinetuningOptions)
    looks: LookOptions = field(default_factory=LookOptions)
    parity: ParityOptions = field(default_factory=ParityOptions)

    def __post_init__(self) -> None:
        """Refuse sections that do not fit each other."""
        side, patch = self.preprocessing.side, self.network.patch
        _need(side % patch == 0, "preprocessing.side", f"a multiple of patch ({patch})", side)


def parse_options(raw: Mapping[str, Mapping[str, Any] | None]) -> ImageModelOptions:
    """Read the options from configuration: section → key → value; what is left out is default.

    Raises:
        ConfigurationError: An unknown section or key, or a value out of its range.
    """
    sections: dict[str, Any] = {
        each.name: each.default_factory
        for each in fields(ImageModelOptions)
        if each.default_factory is not MISSING
    }
    if unknown := sorted(set(raw) - set(sections)):
        raise ConfigurationError(
            f"images.model has unknown {unknown}; known are {sorted(sections)}"
        )
    made = {}
    for name, given in raw.items():
        known = {each.name for each in fields(sections[name])}
        if unknown := sorted(set(given or {}) - known):
            raise ConfigurationError(
                f"images.model.{name} has unknown {unknown}; known are {sorted(known)}"
            )
        made[name] = sections[name](**(given or {}))
    return ImageModelOptions(**made)
