"""The network as ONNX: in full precision, quantized, and the proof that both decide alike.

inputs (n, channels, side, side) → probabilities (n, n_labels), tokens (n, n_tokens, n_labels)
"""

import tempfile
import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from scipy.stats import beta
from torch import Tensor, nn
from transformers import ViTForImageClassification

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.images.network import look
from ucu_mlops.images.onnx_predictor import INPUT, OUTPUTS
from ucu_mlops.images.options import ParityOptions

OPSET = 18


class _Probabilities(nn.Module):
    """The network with its sigmoid, as it is exported."""

    def __init__(self, network: ViTForImageClassification) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Answer for pictures and for their tokens."""
        logits = look(self.network, inputs)
        return torch.sigmoid(logits.picture), torch.sigmoid(logits.tokens)


def to_onnx(network: ViTForImageClassification) -> bytes:
    """Export the network in full precision, for any number of pictures at once."""
    network = deepcopy(network).cpu()
    network.train(mode=False)
    network.set_attn_implementation("eager")
    config = network.config
    # Two pictures: the exporter takes a size of one for a constant.
    side = int(config.image_size)  # type: ignore[arg-type]  # never a pair here
    example = torch.zeros(2, config.num_channels, side, side)
    with warnings.catch_warnings():
        # The exporter warns of its own internals; what it made is checked below and by parity.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Probabilities(network),
            (example,),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export made nothing")
    content: bytes = program.model_proto.SerializeToString(deterministic=True)
    onnx.checker.check_model(content)
    return content


def to_int8(model: bytes) -> bytes:
    """Quantize the matrix products' weights to int8; activations as they come.

    Convolutions stay as they are: the stem's few weights decide what is seen at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, prepared, made = (Path(folder) / name for name in ("fp32", "prepared", "int8"))
        given.write_bytes(model)
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_dynamic(
            prepared,
            made,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        return made.read_bytes()


@dataclass(frozen=True)
class Parity:
    """Whether a quantized network decides like the one it was made of.

    Attributes:
        pictures: How many were compared.
        changed: Decisions that changed, per label.
        bounds: Upper confidence bound on the share of changed decisions, per label.
        passed: Whether every bound is small enough.
    """

    pictures: int
    changed: dict[str, int]
    bounds: dict[str, float]
    passed: bool


def compare(
    ours: NDArray[np.float64],
    quantized: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    labels: Sequence[str],
    options: ParityOptions,
) -> Parity:
    """Count the decisions that quantizing changes, and bound how many it would of any.

    Args:
        ours: Probabilities in full precision, shape ``(n, n_labels)``.
        quantized: Probabilities of the quantized network, of the same shape.
        thresholds: Probability from which a label is given, shape ``(n_labels,)``.
        labels: Names.
        options: How many pictures, and how large a bound.

    Raises:
        NotEnoughDataError: Fewer pictures than the comparison asks for.

    References:
        Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.
    """
    n_pictures = len(ours)
    if n_pictures < options.pictures:
        raise NotEnoughDataError(
            f"int8 is compared on {n_pictures} pictures, images.model.parity.pictures asks for "
            f"{options.pictures}; draw some more"
        )
    changed = ((ours >= thresholds) != (quantized >= thresholds)).sum(axis=0)
    bounds = [change_bound(int(count), n_pictures, options.confidence) for count in changed]
    return Parity(
        pictures=n_pictures,
        changed=dict(zip(labels, map(int, changed), strict=True)),
        bounds=dict(zip(labels, bounds, strict=True)),
        passed=max(bounds) <= options.largest_change,
    )


def change_bound(changed: int, pictures: int, confidence: float) -> float:
    """One-sided upper Clopper-Pearson bound on a share."""
    if changed == pictures:
        return 1.0
    return float(beta.ppf(confidence, changed + 1, pictures - changed))
