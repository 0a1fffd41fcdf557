"""What a network in torch says of pictures: for validation, and to compare an export with."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from transformers import ViTForImageClassification

from ucu_mlops.images.looks import Look
from ucu_mlops.images.network import look
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.preprocessing import preprocess
from ucu_mlops.images.settings import PreprocessingSettings

AT_ONCE = 64


def torch_look(network: ViTForImageClassification) -> Look:
    """Make a look out of a network: inputs → probabilities of pictures and of tokens."""

    @torch.inference_mode()
    def probabilities(
        inputs: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        network.train(mode=False)
        logits = look(network, torch.from_numpy(inputs).to(network.device))
        pair = (
            torch.sigmoid(each.float()).cpu().numpy() for each in (logits.picture, logits.tokens)
        )
        picture, tokens = pair
        return picture, tokens

    return probabilities


def first_looks(
    network: ViTForImageClassification, pictures: Pictures, settings: PreprocessingSettings
) -> NDArray[np.float32]:
    """Probabilities after one look, shape ``(n, n_labels)``."""
    probabilities = torch_look(network)
    answers = [
        probabilities(preprocess(pictures.pixels[part], pictures.boxes[part], settings))[0]
        for part in parts_of(len(pictures))
    ]
    return np.concatenate(answers)


def parts_of(n_rows: int) -> Iterator[slice]:
    """Cut rows into parts that fit the memory."""
    for first in range(0, n_rows, AT_ONCE):
        yield slice(first, first + AT_ONCE)


def macro_average_precision(
    probabilities: NDArray[np.float32], labels: NDArray[np.float32]
) -> float:
    """Average precision, averaged over the labels that some pictures show and some do not.

    Args:
        probabilities: Shape ``(n, n_labels)``.
        labels: 1.0, 0.0 or NaN (left out), shape ``(n, n_labels)``.

    Returns:
        From 0 to 1; 0 where no label can be judged.
    """
    each = []
    for asked, said in zip(labels.T, probabilities.T, strict=True):
        known = ~np.isnan(asked)
        if 0 < asked[known].sum() < known.sum():
            each.append(float(average_precision_score(asked[known], said[known])))
    return float(np.mean(each)) if each else 0.0
