"""AdamW, who learns how fast, and how the learning rate rises and falls."""

import math

import torch
from torch.nn import Parameter
from transformers import ViTForImageClassification

from ucu_mlops.images.options import FinetuningOptions

# Gradients longer than this are shortened: one odd batch must not throw the weights far off.
LARGEST_GRADIENT = 1.0


def make_optimizer(
    network: ViTForImageClassification, options: FinetuningOptions
) -> torch.optim.AdamW:
    """Group the weights by how fast they learn and whether they decay.

    Each group carries ``share``, its part of the learning rate, and ``head``.
    """
    n_layers = network.config.num_hidden_layers
    groups: dict[tuple[float, bool, bool], list[Parameter]] = {}
    for name, weight in network.named_parameters():
        head = name.startswith("classifier")
        share = options.layer_decay ** (n_layers + 1 - _height(name, n_layers))
        # Biases, norms' scales and positions are no products' factors: decay would only hurt.
        decays = weight.ndim > 1 and "position" not in name and "cls_token" not in name
        groups.setdefault((share, head, decays), []).append(weight)
    return torch.optim.AdamW(
        [
            {
                "params": weights,
                "share": share,
                "head": head,
                "weight_decay": options.weight_decay if decays else 0.0,
            }
            for (share, head, decays), weights in groups.items()
        ],
        lr=options.learning_rate,
        fused=True,
    )


def learning_rate(step: int, steps: int, options: FinetuningOptions) -> float:
    """Linear warm-up, then half a cosine down to 0."""
    warm = max(round(options.warm_up * steps), 1)
    if step < warm:
        return options.learning_rate * (step + 1) / warm
    gone = (step - warm) / max(steps - warm, 1)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * gone))


def set_learning_rates(
    optimizer: torch.optim.Optimizer, step: int, steps: int, options: FinetuningOptions
) -> float:
    """Give each group its learning rate of this step; return the classifier's."""
    rate = learning_rate(step, steps, options)
    only_head = step < options.head_first * steps
    for group in optimizer.param_groups:
        group["lr"] = 0.0 if only_head and not group["head"] else rate * group["share"]
    return rate


def _height(name: str, n_layers: int) -> int:
    """Floors below a weight: 0 for the stem, 1.. for the layers, then norm and classifier."""
    parts = name.split(".")
    if parts[:2] == ["vit", "embeddings"]:
        return 0
    if parts[:2] == ["vit", "layers"]:
        return int(parts[2]) + 1
    return n_layers + 1
