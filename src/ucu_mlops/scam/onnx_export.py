"""The fitted model as one ONNX network: clip, scale, encode, trees, calibration, final clip.

Written out by hand, for exactness: up to the trees these are the float32 operations of training.
The trees' thresholds are float64 in LightGBM and float32 here, rounded down; a float32 value is at
most the one exactly if it is at most the other.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import OUTPUT
from ucu_mlops.errors import DataError
from ucu_mlops.scam.calibration import LARGEST, SMALLEST, Calibration
from ucu_mlops.scam.estimator import FittedScam
from ucu_mlops.scam.preprocessing import categories_of, named

ML = "ai.onnx.ml"
# Old enough for the runtimes that warehouses embed, new enough for NaN to pass through Min and Max.
OPSETS = (helper.make_opsetid("", 18), helper.make_opsetid(ML, 3))
IR_VERSION = 9
PREPARED = "prepared"
NODE_PARTS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
)
LEAF_PARTS = ("target_treeids", "target_nodeids", "target_weights")


class Network:
    """Collects operators and constants until they make a model.

    Args:
        features: The inputs.
    """

    def __init__(self, features: Sequence[FeatureSpec]) -> None:
        self.features = tuple(features)
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add an operator with one output, and return the output's name.

        Args:
            operator: The operator.
            inputs: Names of features, constants or other operators' outputs.
            name: The output's name; made up when empty.
            attributes: The operator's attributes; ``domain`` too.
        """
        output = name or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, dtype: type[np.generic] = np.float32) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def numbers(self) -> str:
        """Join the numeric features, shape ``(n_rows, n_numeric)``."""
        return self.add("Concat", *named(self.features, "numeric"), axis=1)

    def probabilities(self, log_odds: str, calibration: Calibration) -> str:
        """Add the sigmoid and its bounds, and return the output's name."""
        sloped = self.add("Mul", log_odds, self.constant(calibration.slope))
        shifted = self.add("Add", sloped, self.constant(calibration.intercept))
        bounds = (self.constant(SMALLEST), self.constant(LARGEST))
        return self.add("Clip", self.add("Sigmoid", shifted), *bounds, name=OUTPUT)

    def to_bytes(self, output: str, width: int) -> bytes:
        """Check and serialize the model whose answer is ``output``, shape ``(n_rows, width)``."""
        inputs = [
            _value(spec.name, TensorProto.FLOAT if spec.kind == "numeric" else TensorProto.STRING)
            for spec in self.features
        ]
        outputs = [_value(output, TensorProto.FLOAT, width)]
        graph = helper.make_graph(self._nodes, "scam", inputs, outputs, initializer=self._constants)
        model: ModelProto = helper.make_model(
            graph, opset_imports=OPSETS, ir_version=IR_VERSION, producer_name="ucu-mlops"
        )
        checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def to_onnx(fitted: FittedScam) -> bytes:
    """Export the whole model.

    Args:
        fitted: The model.

    Returns:
        A network with one input per feature, shape ``(n_rows, 1)``, and the output
        ``probabilities``, float32, shape ``(n_rows, 1)``.
    """
    network = Network(fitted.features)
    prepared, _ = _prepare(network, fitted)
    log_odds = _add_trees(network, prepared, fitted)
    return network.to_bytes(network.probabilities(log_odds, fitted.calibration), 1)


def preprocessing_to_onnx(fitted: FittedScam) -> bytes:
    """Export what comes before the trees, for those who ask the trees themselves.

    Returns:
        A network with the same inputs and the output ``prepared``, float32, shape
        ``(n_rows, n_columns)``.
    """
    network = Network(fitted.features)
    prepared, width = _prepare(network, fitted)
    return network.to_bytes(network.add("Identity", prepared, name=PREPARED), width)


def _prepare(network: Network, fitted: FittedScam) -> tuple[str, int]:
    parts, width = [], 0
    if numbers := named(fitted.features, "numeric"):
        scaler = fitted.preprocessing.named_transformers_["numeric"]
        value = network.numbers()
        for operator, learned in (
            ("Max", scaler.low_),
            ("Min", scaler.high_),
            ("Sub", scaler.center_),
            ("Div", scaler.scale_),
        ):
            value = network.add(operator, value, network.constant(learned))
        parts.append(value)
        width += len(numbers)
    for name, categories in categories_of(fitted.preprocessing, fitted.features).items():
        # zeros=1: an unseen category is all zeros. The operator adds an axis, hence the reshape.
        encoded = network.add("OneHotEncoder", name, domain=ML, cats_strings=categories, zeros=1)
        shape = network.constant([-1, len(categories)], np.int64)
        parts.append(network.add("Reshape", encoded, shape))
        width += len(categories)
    return network.add("Concat", *parts, axis=1), width


def _add_trees(network: Network, prepared: str, fitted: FittedScam) -> str:
    columns: dict[str, Any] = {name: [] for name in (*NODE_PARTS, *LEAF_PARTS)}
    for tree in fitted.classifier.booster_.dump_model()["tree_info"]:
        _add_tree(columns, tree["tree_index"], tree["tree_structure"])
    return network.add(
        "TreeEnsembleRegressor",
        prepared,
        domain=ML,
        n_targets=1,
        post_transform="NONE",
        target_ids=[0] * len(columns["target_nodeids"]),
        **columns,
    )


def _add_tree(columns: dict[str, Any], tree: int, root: dict[str, Any]) -> None:
    """Number a tree's nodes from the root down, and append them to the columns."""
    waiting, number = [root], 0
    while number < len(waiting):
        node = waiting[number]
        if "leaf_value" in node:
            split = (0, "LEAF", 0.0, 0, 0, 0)
            for part, value in zip(LEAF_PARTS, (tree, number, node["leaf_value"]), strict=True):
                columns[part].append(value)
        else:
            split = (
                node["split_feature"],
                "BRANCH_LEQ",
                _round_down(node["threshold"]),
                len(waiting),
                len(waiting) + 1,
                _nan_goes_left(node),
            )
            waiting += [node["left_child"], node["right_child"]]
        for part, value in zip(NODE_PARTS, (tree, number, *split), strict=True):
            columns[part].append(value)
        number += 1


def _nan_goes_left(node: dict[str, Any]) -> int:
    """Say where LightGBM sends NaN: by the split's default, or as if it were 0."""
    if node["decision_type"] != "<=" or node["missing_type"] not in {"NaN", "None"}:
        raise DataError(
            f"a split of type {node['decision_type']!r} with missing_type "
            f"{node['missing_type']!r} has no ONNX form here; take it out of training.lightgbm"
        )
    if node["missing_type"] == "NaN":
        return int(node["default_left"])
    return int(node["threshold"] >= 0)


def _round_down(threshold: float) -> float:
    """Find the largest float32 that is not above a float64."""
    limit = float(np.finfo(np.float32).max)
    if abs(threshold) > limit:  # LightGBM writes infinity as 1e300; no input comes near either
        return math.copysign(limit, threshold)
    rounded = np.float32(threshold)
    if float(rounded) > threshold:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)


def _value(name: str, kind: int, width: int = 1) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [None, width])
