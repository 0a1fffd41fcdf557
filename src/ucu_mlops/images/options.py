"""What can be chosen about the training of the network, as checked data; imported without torch.

``network`` what is trained · ``augmentation`` how pictures vary · ``finetuning`` the loop ·
``parity`` what int8 must keep; ``preprocessing`` and ``looks`` travel on: :mod:`.settings`
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from ucu_mlops.images.settings import FILE, LookOptions, PreprocessingSettings
from ucu_mlops.quality.checks import (
    COUNT,
    COUNT_OR_NONE,
    INNER_SHARE,
    SHARE,
    Allowed,
    build_part,
    check_choices,
    check_flag,
    check_numbers,
    refuse,
)

SECTION = "images.model"


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
        section = f"{SECTION}.network"
        check_numbers(self, section, FILE, patch=COUNT, width=COUNT, depth=COUNT, heads=COUNT)
        check_choices(self, section, FILE, head=("new", "keep"), stem=("convolutional", "patch"))
        check_flag(self, section, FILE, "download")
        if self.width % self.heads:
            refuse(section, "width", FILE, f"a multiple of heads ({self.heads})", self.width)
        halves = self.patch.bit_count() == 1 and self.patch > 1
        if self.stem == "convolutional" and not halves:
            refuse(section, "patch", FILE, "a power of two from 2", self.patch)


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
        allowed = {each.name: SHARE for each in fields(self)} | {
            "rotation": Allowed(least=0, most=180),
            "largest_blur": Allowed(least=0, most=4),
            "smallest_view": Allowed(above=0, most=1),
        }
        check_numbers(self, f"{SECTION}.augmentation", FILE, **allowed)

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
        section = f"{SECTION}.finetuning"
        check_numbers(
            self,
            section,
            FILE,
            samples=COUNT,
            epochs=COUNT,
            batch=COUNT,
            learning_rate=Allowed(above=0, most=1),
            weight_decay=SHARE,
            warm_up=SHARE,
            layer_decay=Allowed(least=0.1, most=1),
            head_first=SHARE,
            positive_weight=Allowed(least=1, most=1000),
            token_weight=Allowed(least=0, most=100),
            average=Allowed(least=0, below=1),
            patience=COUNT,
            checkpoint_steps=COUNT_OR_NONE,
            seed=Allowed(least=0, most=2**31, whole=True),
        )
        check_choices(
            self,
            section,
            FILE,
            loss=("bce", "asymmetric"),
            precision=("auto", "bf16", "fp32"),
            device=("auto", "cpu", "cuda"),
        )
        if self.samples < (least := self.epochs * self.batch):
            refuse(section, "samples", FILE, f"at least epochs times batch ({least})", self.samples)


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
        section = f"{SECTION}.parity"
        check_numbers(
            self, section, FILE, pictures=COUNT, largest_change=INNER_SHARE, confidence=INNER_SHARE
        )


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
        """Make the sections of plain mappings, and refuse what does not fit each other."""
        for each in fields(self):
            assert isinstance(each.type, type)  # noqa: S101  # for mypy: it may be a text elsewhere
            build_part(self, SECTION, FILE, each.name, each.type)
        side, patch = self.preprocessing.side, self.network.patch
        if side % patch:
            section = f"{SECTION}.preprocessing"
            refuse(section, "side", FILE, f"a multiple of patch ({patch})", side)


def parse_options(raw: Mapping[str, Any]) -> ImageModelOptions:
    """Read the options from configuration: section → key → value; what is left out is default.

    Raises:
        ConfigurationError: An unknown section or key, or a value out of its range.
    """
    known = sorted(each.name for each in fields(ImageModelOptions))
    if unknown := sorted(set(raw) - set(known)):
        refuse("images", "model", FILE, f"sections of {known}", unknown)
    return ImageModelOptions(
        **{name: {} if given is None else given for name, given in raw.items()}
    )
