"""Which pictures each epoch shows: by weight, with as little chance as that allows."""

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import NotEnoughDataError


def epoch_order(
    weight: NDArray[np.float32], samples: int, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Draw an epoch's pictures, in random order.

    Systematic: a picture that is due 2.3 times comes 2 or 3 times, so rare pictures are neither
    forgotten nor piled up by chance.

    Args:
        weight: Of each picture, relative to the others, shape ``(n,)``.
        samples: How many to draw.
        seed: Of all chance.
        epoch: Which epoch.

    Returns:
        Row numbers, shape ``(samples,)``.

    Raises:
        NotEnoughDataError: No picture has a weight.
    """
    total = float(weight.sum(dtype=np.float64))
    if total <= 0:
        raise NotEnoughDataError("no training picture has a weight above 0")
    chance = np.random.default_rng([seed, epoch])
    # Shuffled first: else neighbours in the table would take turns at being the rounded one.
    shuffled = chance.permutation(len(weight))
    due = np.cumsum(weight[shuffled], dtype=np.float64) * (samples / total)
    marks = np.arange(samples) + chance.random()
    drawn = np.minimum(np.searchsorted(due, marks, side="right"), len(weight) - 1)
    order: NDArray[np.int64] = chance.permutation(shuffled[drawn])
    return order


def balanced_weights(
    labels: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Let pictures with rare answers come more often: by the root of how rare they are.

    The root is half-way between leaving the shares as they are and making them equal, where a few
    code-free pictures would be learnt by heart.

    Args:
        labels: 1.0, 0.0 or NaN (as rare as the same answers with it), shape ``(n, n_labels)``.
        weight: Weights to change, shape ``(n,)``.

    Returns:
        Weights with the same sum, shape ``(n,)``.
    """
    if not len(labels):
        return weight
    _, answer = np.unique(np.nan_to_num(labels, nan=-1.0), axis=0, return_inverse=True)
    share = np.bincount(answer, weights=weight) / max(float(weight.sum()), 1e-12)
    changed = weight / np.sqrt(np.maximum(share, 1e-12))[answer]
    balanced: NDArray[np.float32] = changed * (weight.sum() / max(float(changed.sum()), 1e-12))
    return balanced.astype(np.float32)
