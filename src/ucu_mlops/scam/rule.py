"""The champion of the first days: a weighted sum of what a moderator would count by hand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.bundle.predict import MODEL_FILE
from ucu_mlops.bundle.store import Draft
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.scam.calibration import Calibration
from ucu_mlops.scam.onnx_export import Network
from ucu_mlops.scam.training import MODEL, UNSET_THRESHOLD

UNCALIBRATED = Calibration(slope=1.0, intercept=0.0)


@dataclass(frozen=True)
class RuleOptions:
    """What the rule adds up.

    Attributes:
        weights: What one unit of each numeric feature adds to the log-odds; at least one.
        bias: Log-odds of an entity whose features are all 0.
    """

    weights: Mapping[str, float]
    bias: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a rule that looks at nothing or weighs by what is no number."""
        if not self.weights:
            raise ConfigurationError("rule.weights must name at least one feature, got none")
        for name, value in {**self.weights, "bias": self.bias}.items():
            if not math.isfinite(value):
                raise ConfigurationError(f"rule: {name} must be a finite number, got {value}")


def rule_draft(options: RuleOptions, features: Sequence[FeatureSpec], as_of: date) -> Draft:
    """Write the rule as a bundle, so that whoever scores knows no difference.

    Args:
        options: The weights; unknown values of a feature count as 0.
        features: The weighted features, numeric ones.
        as_of: The day it is made for (UTC).

    Returns:
        A bundle of kind ``rule``; its weights are in the manifest's ``policy``.

    Raises:
        ConfigurationError: Features and weights differ, or a feature is a category.
    """
    names = [spec.name for spec in features]
    if differing := sorted(set(names) ^ set(options.weights)):
        raise ConfigurationError(
            f"rule.weights and the features differ in {differing}; got features {names}"
        )
    if categories := [spec.name for spec in features if spec.kind != "numeric"]:
        raise ConfigurationError(f"rule.weights must name numeric features, got {categories}")
    weights = [float(options.weights[name]) for name in names]
    total = sum(map(abs, weights))
    manifest = Manifest(
        model=MODEL,
        kind="rule",
        as_of=str(as_of),
        features=tuple(features),
        labels=(LabelSpec(MODEL, UNSET_THRESHOLD),),
        policy={"weights": dict(zip(names, weights, strict=True)), "bias": float(options.bias)},
        calibration={"method": "none"},
        training={
            "importances": {
                name: abs(weight) / total if total else 0.0
                for name, weight in zip(names, weights, strict=True)
            }
        },
    )
    return Draft(manifest, {MODEL_FILE: _network(features, weights, options.bias)})


def _network(features: Sequence[FeatureSpec], weights: Sequence[float], bias: float) -> bytes:
    network = Network(features)
    numbers = network.numbers()
    known = network.add("Where", network.add("IsNaN", numbers), network.constant(0.0), numbers)
    column = network.constant(np.reshape(weights, (-1, 1)))
    log_odds = network.add("Add", network.add("MatMul", known, column), network.constant(bias))
    return network.to_bytes(network.probabilities(log_odds, UNCALIBRATED), 1)
