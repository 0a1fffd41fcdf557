"""A bundle small enough to damage in every way."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft


def sum_network() -> bytes:
    """Build an ONNX network that answers the sigmoid of ``x`` and ignores ``place``."""
    graph = helper.make_graph(
        [
            helper.make_node("Sigmoid", ["x"], ["probabilities"]),
            helper.make_node("Identity", ["place"], ["unused"]),
        ],
        "sum",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("place", TensorProto.STRING, [None, 1]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 1])],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        model="scam",
        kind="model",
        as_of="2026-03-31",
        features=(
            FeatureSpec("x", "numeric", "messages", "a1"),
            FeatureSpec("place", "categorical", "profile", "b2"),
        ),
        labels=(LabelSpec("scam", 0.5),),
        reference={"features": {"x": {"median": float(np.float32(6.0))}}},
    )


@pytest.fixture
def draft(manifest) -> Draft:
    return Draft(manifest, {"model.onnx": sum_network(), "lightgbm.txt": b"tree\n"})
