"""Why a user is put before a moderator, in words: the user's value and what is usual."""

import re
from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import model_inputs, open_session
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.scam.onnx_export import PREPARED
from ucu_mlops.scam.training import PREPROCESSING_FILE, TREES_FILE

DAYS = re.compile(r"(?P<what>.+)_(?P<days>\d+)d")
SHARE = re.compile(r".+_share(_\d+d|_life)?")
LIFE = re.compile(r"(?P<what>.+)_life")
UNKNOWN = "unknown"
TRUTH = {"true": "yes", "false": "no", "": UNKNOWN}
WHOLE_FROM = 100  # from here on nobody reads decimals
ALL_DIGITS_BELOW = 1e15  # beyond, float64 no longer holds each integer


def explain(
    bundle: Bundle, frame: pd.DataFrame, units: Mapping[str, str], top: int = 3
) -> list[list[str]]:
    """Name what pushes each row's probability up, the strongest first.

    A model's contributions are the trees' SHAP values; a rule's are its weight times how far the
    value lies above the usual one (above 0 while nothing is known to be usual).

    Args:
        bundle: The version that gave the probabilities.
        frame: One row per entity and day, one column per feature of the bundle.
        units: By feature, what its number counts; none for one whose name says it.
        top: Reasons per row, at most.

    Returns:
        Per row, sentences such as ``session length (7 days): 312 seconds; usual 240``; none where
        nothing pushes up. What is usual is left out while the bundle has no reference.

    Raises:
        SchemaError: A feature's column is missing or holds what is no number.
    """
    features = bundle.manifest.features
    inputs = model_inputs(frame, features)
    if len(frame) == 0:
        return []
    profiles = bundle.manifest.reference.get("features", {})
    usual = {spec.name: profiles.get(spec.name, {}).get("median") for spec in features}
    contribute = _rule_contributions if bundle.manifest.kind == "rule" else _tree_contributions
    contributions = contribute(bundle, inputs, usual)
    reasons = []
    for row, pushes in enumerate(contributions):
        strongest = np.argsort(-pushes, kind="stable")[:top]
        reasons.append(
            [
                _sentence(features[each], inputs[features[each].name][row, 0], usual, units)
                for each in strongest
                if pushes[each] > 0
            ]
        )
    return reasons


def _rule_contributions(
    bundle: Bundle, inputs: Mapping[str, NDArray[Any]], usual: Mapping[str, Any]
) -> NDArray[np.float64]:
    columns = [
        weight * (np.nan_to_num(inputs[name][:, 0].astype(np.float64)) - (usual[name] or 0.0))
        for name, weight in bundle.manifest.policy["weights"].items()
    ]
    return np.column_stack(columns)


def _tree_contributions(
    bundle: Bundle, inputs: Mapping[str, NDArray[Any]], _usual: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Add up the trees' contributions of all columns that one feature became."""
    (prepared,) = open_session(bundle, PREPROCESSING_FILE).run([PREPARED], dict(inputs))
    trees = lightgbm.Booster(model_str=bundle.read_bytes(TREES_FILE).decode())
    # The last column is the average, which is nobody's reason.
    by_column = np.asarray(trees.predict(prepared, pred_contrib=True, num_threads=1))[:, :-1]
    columns = np.array(bundle.manifest.training["columns"])
    return np.column_stack(
        [by_column[:, columns == spec.name].sum(axis=1) for spec in bundle.manifest.features]
    )


def _sentence(
    spec: FeatureSpec, value: Any, usual: Mapping[str, Any], units: Mapping[str, str]
) -> str:
    spell = _spelled_category
    if spec.kind == "numeric":
        spell = _spelled_share if SHARE.fullmatch(spec.name) else _spelled_number
    said, unit = spell(value), units.get(spec.name)
    sentence = f"{_human_name(spec.name)}: {said}"
    if unit and said != UNKNOWN:
        sentence += f" {unit}"
    if (median := usual[spec.name]) is not None:
        sentence += f"; usual {spell(median)}"
    return sentence


def _human_name(name: str) -> str:
    if match := DAYS.fullmatch(name):
        unit = "day" if match["days"] == "1" else "days"
        name = f"{match['what']} ({match['days']} {unit})"
    elif match := LIFE.fullmatch(name):
        name = f"{match['what']} (ever)"
    return name.replace("_", " ")


def _spelled_number(value: float) -> str:
    if np.isnan(value):
        return UNKNOWN
    if abs(value) < ALL_DIGITS_BELOW and (abs(value) >= WHOLE_FROM or float(value).is_integer()):
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def _spelled_share(value: float) -> str:
    return UNKNOWN if np.isnan(value) else f"{100 * value:.3g} %"


def _spelled_category(value: Any) -> str:
    return TRUTH.get(str(value).lower(), str(value))
