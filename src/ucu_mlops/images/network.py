"""The network: a ViT from a checkpoint, or a compact one that learns from few pictures.

picture → stem or patches → tokens → layers → classifier: on the class token (what the picture
shows) and on every other token (where it shows it)
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, ViTConfig, ViTForImageClassification

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.options import NetworkOptions
from ucu_mlops.images.settings import PreprocessingSettings

WEIGHTS, CONFIG, SETTINGS = "model.safetensors", "config.json", "preprocessor_config.json"
# Channels of the stem's first stage; each further one has twice as many, up to the tokens' width.
FIRST_CHANNELS = 24
STEM_KEY = "ucu_mlops_stem"


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; halves the picture.

    References:
        He et al. (2016), "Deep residual learning", doi:10.1109/CVPR.2016.90.
    """

    def __init__(self, channels: int, wanted: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, wanted, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(wanted),
            nn.ReLU(),
            nn.Conv2d(wanted, wanted, 3, padding=1, bias=False),
            nn.BatchNorm2d(wanted),
        )
        self.shortcut = nn.Conv2d(channels, wanted, 1, stride=2, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Halve the pictures, shape ``(n, channels, side, side)``."""
        return torch.relu(self.convolutions(pictures) + self.shortcut(pictures))


class ConvolutionalStem(nn.Sequential):
    """Convolutions in place of the patch embedding.

    References:
        Xiao et al. (2021), "Early convolutions help transformers see better", arXiv:2106.14881.
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        stages = patch.bit_length() - 1
        sizes = [min(FIRST_CHANNELS * 2**stage, width) for stage in range(stages)]
        first = [
            nn.Conv2d(channels, sizes[0], 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(sizes[0]),
            nn.ReLU(),
        ]
        residuals = [Residual(*pair) for pair in pairwise(sizes)]
        super().__init__(*first, *residuals, nn.Conv2d(sizes[-1], width, 1))

    @property
    def weight(self) -> Tensor:
        """The last convolution's weight; the ViT asks it for its type."""
        weight = self[-1].weight
        assert isinstance(weight, Tensor)  # noqa: S101  # for mypy: modules are looked up by name
        return weight


@dataclass(frozen=True)
class Logits:
    """What the network says, before the sigmoid.

    Attributes:
        picture: What the pictures show, shape ``(n, n_labels)``.
        tokens: Where they show it, row by row, shape ``(n, n_tokens, n_labels)``.
    """

    picture: Tensor
    tokens: Tensor


def look(network: ViTForImageClassification, pictures: Tensor) -> Logits:
    """Classify pictures and each of their tokens, shape ``(n, channels, side, side)``."""
    hidden = network.vit(pictures).last_hidden_state
    logits = network.classifier(hidden)
    return Logits(picture=logits[:, 0], tokens=logits[:, 1:])


def build_network(
    options: NetworkOptions, settings: PreprocessingSettings, labels: Sequence[str], seed: int
) -> ViTForImageClassification:
    """Build the network to be trained.

    Args:
        options: A checkpoint, or the compact network's sizes.
        settings: What it will be fed.
        labels: Names of its outputs, in order.
        seed: Of the weights drawn anew.

    Raises:
        ConfigurationError: No label; a checkpoint that is not at hand, of another architecture, of
            other labels (``head: keep``), or that takes another input than the settings make.
    """
    if not labels:
        raise ConfigurationError("images.labels is empty; name at least one label")
    torch.manual_seed(seed)
    if options.checkpoint:
        return _from_checkpoint(options, settings, labels)
    sizes = {
        "image_size": settings.side,
        "patch_size": options.patch,
        "num_channels": settings.channels,
        "hidden_size": options.width,
        "intermediate_size": 4 * options.width,
        "num_hidden_layers": options.depth,
        "num_attention_heads": options.heads,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        STEM_KEY: options.stem,
    }
    return _from_config(ViTConfig.from_dict(sizes | _names(labels)))


def save_network(
    network: ViTForImageClassification, settings: PreprocessingSettings, folder: Path
) -> None:
    """Write weights (safetensors), configuration and preprocessing into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: each.detach().cpu().contiguous() for name, each in network.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    network.config.to_json_file(folder / CONFIG, use_diff=False)
    (folder / SETTINGS).write_text(json.dumps(asdict(settings), indent=2) + "\n")


def load_network(folder: Path) -> tuple[ViTForImageClassification, PreprocessingSettings]:
    """Read back what ``save_network`` wrote.

    Raises:
        ConfigurationError: A file is missing or belongs to another network.
    """
    for name in (WEIGHTS, CONFIG, SETTINGS):
        if not (folder / name).is_file():
            raise ConfigurationError(f"{folder} has no {name}; a network's folder holds all three")
    network = _from_config(_config_of(str(folder), download=False))
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise ConfigurationError(
            f"{folder / WEIGHTS} does not fit its {CONFIG}; save the network again"
        ) from error
    settings = PreprocessingSettings(**json.loads((folder / SETTINGS).read_text()))
    return network, settings


def label_names(network: ViTForImageClassification) -> tuple[str, ...]:
    """Names of the network's outputs, in order."""
    return _names_in(network.config)


def _names_in(config: Any) -> tuple[str, ...]:
    """Names of a configuration's labels, in order."""
    return tuple(config.id2label[index] for index in range(config.num_labels))


def _from_config(config: Any) -> ViTForImageClassification:
    """Build a network with weights drawn anew."""
    network = ViTForImageClassification(config)
    if getattr(config, STEM_KEY, "patch") == "convolutional":
        stem = ConvolutionalStem(config.num_channels, config.patch_size, config.hidden_size)
        network.vit.embeddings.patch_embeddings.register_module("projection", stem)
    return network


def _from_checkpoint(
    options: NetworkOptions, settings: PreprocessingSettings, labels: Sequence[str]
) -> ViTForImageClassification:
    """Load a checkpoint, with a head of our labels."""
    config = _config_of(options.checkpoint, download=options.download)
    takes = (config.image_size, config.num_channels)
    if takes != (settings.side, settings.channels):
        raise ConfigurationError(
            f"checkpoint {options.checkpoint} takes {takes[0]} pixels and {takes[1]} channels, "
            f"images.model.preprocessing makes {settings.side} and {settings.channels}; "
            "set them equal"
        )
    theirs = _names_in(config)
    if options.head == "keep" and theirs != tuple(labels):
        raise ConfigurationError(
            f"checkpoint {options.checkpoint} knows {len(theirs)} labels {list(theirs[:5])}, "
            f"images.labels are {list(labels)}; make them equal or set "
            "images.model.network.head to new"
        )
    if getattr(config, STEM_KEY, "patch") == "convolutional":
        return _adopt(Path(options.checkpoint), options, labels)
    try:
        # Its head's shape may differ from ours (head: new); everything else must fit.
        network = ViTForImageClassification.from_pretrained(
            options.checkpoint,
            local_files_only=not options.download,
            use_safetensors=True,
            ignore_mismatched_sizes=options.head == "new",
            **_names(labels),
        )
    except OSError as error:
        raise ConfigurationError(
            f"checkpoint {options.checkpoint} has no safetensors weights at hand; pickled ones are "
            "not read, and nothing is fetched unless images.model.network.download is true"
        ) from error
    if options.head == "new":
        network.classifier = nn.Linear(config.hidden_size, len(labels))
    return network


def _adopt(
    folder: Path, options: NetworkOptions, labels: Sequence[str]
) -> ViTForImageClassification:
    """Go on from a compact network of ours."""
    network, _ = load_network(folder)
    if options.head == "new":
        network.classifier = nn.Linear(network.config.hidden_size, len(labels))
        network.num_labels = len(labels)
        network.config.update(_names(labels))
    return network


def _config_of(checkpoint: str, *, download: bool) -> Any:
    """Read a checkpoint's configuration, and refuse one that is no ViT's."""
    try:
        config = AutoConfig.from_pretrained(checkpoint, local_files_only=not download)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"checkpoint {checkpoint} is not at hand; give a folder with config.json and "
            "model.safetensors, or allow fetching by images.model.network.download"
        ) from error
    if config.model_type != "vit":
        raise ConfigurationError(
            f"checkpoint {checkpoint} is a {config.model_type}; images.model.network needs a vit"
        )
    return config


def _names(labels: Sequence[str]) -> dict[str, Any]:
    """The labels as transformers' configuration keeps them."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {name: index for index, name in enumerate(labels)},
    }
