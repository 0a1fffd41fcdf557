"""What a network in torch says of pictures: for validation, and to compare an export with.

On a GPU in bf16, each layer compiled, and all of it recorded as one graph that is replayed.
"""

import copy
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from transformers import ViTForImageClassification

from ucu_mlops.images.fused import fuse, settle_weights
from ucu_mlops.images.hardware import autocast, compile_layers, use_bf16
from ucu_mlops.images.looks import Look
from ucu_mlops.images.network import look
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.preprocessing import preprocess
from ucu_mlops.images.settings import PreprocessingSettings

AT_ONCE = 64
WARM = 3  # calls before a graph is recorded: the first ones compile and choose algorithms


class DeviceLook:
    """A network's probabilities, as fast as its device gives them.

    A GPU replays a graph: one per number of pictures at once, recorded when it first occurs. The
    weights are those of the moment this is made.

    Args:
        network: Stays as and where it is.
    """

    def __init__(self, network: ViTForImageClassification) -> None:
        self._gpu = network.device.type == "cuda"
        self._bf16 = self._gpu and use_bf16("auto", network.device)
        self._network = copy.deepcopy(network).train(mode=False) if self._gpu else network
        self._graphs: dict[tuple[int, bool], _Recorded] = {}
        if self._bf16:
            for part in self._network.modules():
                if isinstance(part, nn.Linear | nn.Conv2d):
                    part.to(torch.bfloat16)  # once, not at each call
            fuse(self._network)
            settle_weights(self._network)
        compile_layers(self._network)

    @torch.inference_mode()
    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Classify inputs and their tokens, shape ``(n, channels, side, side)``.

        Returns:
            Probabilities, shape ``(n, n_labels)`` and ``(n, n_tokens, n_labels)``, where the
            inputs are; with a GPU the next call writes over them.
        """
        if not self._gpu:
            self._network.train(mode=False)
            return _answers(self._network, inputs)
        kind = (len(inputs), inputs.is_cpu)
        if kind not in self._graphs:
            self._graphs[kind] = self._recorded(inputs)
        recorded = self._graphs[kind]
        if inputs.is_cpu:
            # Not by torch, whose threads may sleep: with 16 of them one copy took up to 8 ms.
            np.copyto(recorded.inputs.numpy(), inputs.numpy())
        else:
            recorded.inputs.copy_(inputs)
        recorded.graph.replay()
        if inputs.is_cpu:
            torch.cuda.current_stream().synchronize()
        return recorded.answers

    def _recorded(self, inputs: Tensor) -> "_Recorded":
        """Record what a number of pictures takes, the way to the GPU and back included."""
        fed = torch.empty_like(inputs, pin_memory=inputs.is_cpu)
        fed.copy_(inputs)
        device = self._network.device

        def answers() -> tuple[Tensor, Tensor]:
            with autocast(device, bf16=self._bf16):
                return _answers(self._network, fed.to(device, non_blocking=True))

        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own gap
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM):
                shapes = answers()
        torch.cuda.current_stream().wait_stream(aside)
        torch.cuda.synchronize()
        place = [
            torch.empty_like(e, device=inputs.device, pin_memory=inputs.is_cpu) for e in shapes
        ]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for each, answer in zip(place, answers(), strict=True):
                each.copy_(answer, non_blocking=True)
        return _Recorded(graph, fed, (place[0], place[1]))


@dataclass(frozen=True)
class _Recorded:
    """A graph, and where its inputs and answers lie."""

    graph: torch.cuda.CUDAGraph
    inputs: Tensor
    answers: tuple[Tensor, Tensor]


def _answers(network: ViTForImageClassification, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities of pictures and of their tokens."""
    logits = look(network, inputs)
    return torch.sigmoid(logits.picture.float()), torch.sigmoid(logits.tokens.float())


def torch_look(network: ViTForImageClassification) -> Look:
    """Make a look out of a network: inputs → probabilities of pictures and of tokens."""
    ready = DeviceLook(network)

    def probabilities(
        inputs: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        picture, tokens = ready(torch.from_numpy(inputs))
        return picture.numpy().copy(), tokens.numpy().copy()

    return probabilities


def first_looks(
    network: ViTForImageClassification, pictures: Pictures, settings: PreprocessingSettings
) -> NDArray[np.float32]:
    """Probabilities after one look, shape ``(n, n_labels)``."""
    probabilities = torch_look(network)

    def prepared(row: int) -> NDArray[np.float32]:
        one = slice(row, row + 1)
        return preprocess(pictures.pixels[one], pictures.boxes[one], settings)

    answers = []
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2)) as pool:
        for part in parts_of(len(pictures)):
            inputs = np.concatenate(list(pool.map(prepared, range(len(pictures))[part])))
            answers.append(probabilities(inputs)[0])
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
