"""What training makes small; sums over a whole batch, so that parts of it add up to the same."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ucu_mlops.images.augment import Batch
from ucu_mlops.images.network import Logits
from ucu_mlops.images.options import FinetuningOptions

# Of the asymmetric loss: easy negatives lose weight to this power, and below this none counts.
FOCUS, SHIFT = 4.0, 0.05


def batch_loss(
    logits: Logits, batch: Batch, positive: Tensor, options: FinetuningOptions
) -> Tensor:
    """Loss of a part of a batch; the losses of all parts add up to the batch's.

    Args:
        logits: What the network says of the part.
        batch: The part; unknown labels (NaN) count nothing.
        positive: Weight of each label's positives, shape ``(n_labels,)``.
        options: Which loss, how much tokens weigh, and how many pictures a whole batch has.
    """
    loss = _known_sum(logits.picture, batch.labels, positive, options.loss)
    loss = loss / (options.batch * batch.labels.shape[1])
    if batch.tokens is None or not options.token_weight:
        return loss
    tokens = _known_sum(logits.tokens, batch.tokens, torch.ones_like(positive), options.loss)
    return loss + options.token_weight * tokens / (options.batch * batch.tokens[0].numel())


def positive_weights(labels: NDArray[np.float32], largest: float) -> NDArray[np.float32]:
    """Weigh a label's positives as much as its negatives, up to a bound, shape ``(n_labels,)``."""
    positives = np.nansum(labels == 1, axis=0)
    negatives = np.nansum(labels == 0, axis=0)
    ratio = negatives / np.maximum(positives, 1)
    weights: NDArray[np.float32] = np.clip(ratio, 1.0, largest).astype(np.float32)
    return weights


def _known_sum(logits: Tensor, labels: Tensor, positive: Tensor, kind: str) -> Tensor:
    """Sum the loss over what is known.

    References:
        Ridnik et al. (2021), "Asymmetric loss for multi-label classification",
        doi:10.1109/ICCV48922.2021.00015.
    """
    known = ~torch.isnan(labels)
    asked = torch.where(known, labels, 0.0)
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), asked, reduction="none", pos_weight=positive
    )
    if kind == "asymmetric":
        shifted = (torch.sigmoid(logits.float()) - SHIFT).clamp(min=0)
        easy = -torch.log1p(-shifted.clamp(max=1 - 1e-6)) * shifted.detach() ** FOCUS
        each = torch.where(asked == 1, each, easy)
    return torch.where(known, each, 0.0).sum()
