"""Even out the classes of what a classifier is fitted on; nothing else ever sees the result."""

import itertools
from collections.abc import Sequence

import numpy as np
from imblearn.over_sampling import SMOTENC, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError

CHOOSERS = {"undersample": RandomUnderSampler, "oversample": RandomOverSampler}
SYNTHETIC = "smotenc"
METHODS = ("none", *CHOOSERS, SYNTHETIC)
NEIGHBOURS = 5  # of the original paper

Floats = NDArray[np.float32]
Sample = tuple[Floats, NDArray[np.int64], NDArray[np.float64]]


def balance(
    prepared: Floats,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    method: str,
    ratio: float,
    seed: int,
    widths: Sequence[int],
) -> Sample:
    """Bring positives per negative up to a ratio; a set that is already there stays whole.

    A synthetic row lies between two positives, its categories are those of most neighbours, and so
    is whether a number is missing; neighbours are sought with missing numbers at their mean. It
    weighs what the positives weigh on average.

    Args:
        prepared: Scaled numbers, then encoded categories, shape ``(n_rows, n_columns)``.
        labels: 0 or 1, shape ``(n_rows,)``.
        weights: Shape ``(n_rows,)``.
        method: One of ``METHODS``.
        ratio: Positives per negative after balancing.
        seed: Seed of the draws.
        widths: How many of the last columns each category takes.

    Returns:
        Rows, labels and weights to fit on.

    References:
        Chawla et al. (2002), "SMOTE: synthetic minority over-sampling technique",
        doi:10.1613/jair.953.
    """
    if method == "none" or labels.sum() >= ratio * (1 - labels).sum():
        return prepared, labels, weights
    if method == SYNTHETIC:
        return _with_synthetic(prepared, labels, weights, ratio, seed, widths)
    rows = np.arange(len(labels)).reshape(-1, 1)
    sampler = CHOOSERS[method](sampling_strategy=ratio, random_state=seed)
    # Sorted, because the order of rows decides how sums are rounded.
    chosen = np.sort(sampler.fit_resample(rows, labels)[0].ravel())
    return prepared[chosen], labels[chosen], weights[chosen]


def _with_synthetic(
    prepared: Floats,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    ratio: float,
    seed: int,
    widths: Sequence[int],
) -> Sample:
    n_numbers = prepared.shape[1] - sum(widths)
    if n_numbers == 0:
        raise ConfigurationError(
            "training.balancing smotenc needs a numeric feature; take oversample"
        )
    numbers, encoded = prepared[:, :n_numbers], prepared[:, n_numbers:]
    ends = np.cumsum([0, *widths])
    codes = [
        # Code 0 is a category that the encoder does not know.
        np.where(part.any(axis=1), part.argmax(axis=1) + 1, 0)
        for part in (encoded[:, low:high] for low, high in itertools.pairwise(ends))
    ]
    table = np.column_stack([np.nan_to_num(numbers), np.isnan(numbers), *codes])
    sampler = SMOTENC(
        categorical_features=list(range(n_numbers, table.shape[1])),
        sampling_strategy=ratio,
        random_state=seed,
        k_neighbors=min(NEIGHBOURS, int(labels.sum()) - 1),
    )
    table, resampled = sampler.fit_resample(table.astype(np.float64), labels)
    made = table[len(labels) :]  # the original rows come first, in their order
    made_numbers = made[:, :n_numbers]
    made_numbers[made[:, n_numbers : 2 * n_numbers] > 0] = np.nan
    made_codes = made[:, 2 * n_numbers :]
    hot = [made_codes[:, [each]] == np.arange(1, width + 1) for each, width in enumerate(widths)]
    synthetic = np.column_stack([made_numbers, *hot]).astype(np.float32)
    typical = float(weights[labels == 1].mean())
    return (
        np.concatenate([prepared, synthetic]),
        np.asarray(resampled, dtype=np.int64),
        np.concatenate([weights, np.full(len(synthetic), typical)]),
    )
