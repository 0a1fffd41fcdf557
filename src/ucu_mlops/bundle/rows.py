"""Single rows as a caller sends them → the model's inputs, the same that a frame would give.

A caller's row is a plain list: no frame is built for one user, which would cost more than the
answer (docs/serving.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import LARGEST_MAGNITUDE, spelled
from ucu_mlops.errors import SchemaError

NUMBERS = (int, float)
CATEGORIES = (str, int, float)
FLOAT64_ENDS = 1.7e308


def ordered(values: Mapping[str, Any], features: Sequence[FeatureSpec]) -> list[Any]:
    """Bring one entity's features into the order of the model's, and check their types.

    Args:
        values: By feature: a number, a category (text, number, true or false), or null for
            unknown. All of the model's features and no others.
        features: The model's.

    Returns:
        The values in the order of ``features``.

    Raises:
        SchemaError: A feature is missing, unknown or of another type.
    """
    try:
        row = [values[spec.name] for spec in features]
    except KeyError:
        missing = [spec.name for spec in features if spec.name not in values]
        raise SchemaError(f"features lack {missing}; null stands for unknown") from None
    if len(row) < len(values):
        unknown = sorted(set(values) - {spec.name for spec in features})
        raise SchemaError(f"features has unknown {unknown}; the model takes {len(features)} others")
    for value, spec in zip(row, features, strict=True):
        kinds = NUMBERS if spec.kind == "numeric" else CATEGORIES
        if value is not None and not isinstance(value, kinds):
            wanted = "a number" if spec.kind == "numeric" else "text"
            raise SchemaError(f"feature {spec.name!r} must be {wanted} or null, got {value!r}")
    return row


def row_inputs(
    rows: Sequence[Sequence[Any]], features: Sequence[FeatureSpec]
) -> dict[str, NDArray[Any]]:
    """Bring rows into the form that the ONNX inputs have.

    Args:
        rows: At least one; each as :func:`ordered` gives it.
        features: The inputs, in the order of the rows' values.

    Returns:
        What :func:`ucu_mlops.bundle.predict.model_inputs` gives for the same rows as a frame.
    """
    columns = list(zip(*rows, strict=True))
    numeric = [place for place, spec in enumerate(features) if spec.kind == "numeric"]
    matrix = numbers([columns[place] for place in numeric])
    inputs: dict[str, NDArray[Any]] = {
        features[place].name: matrix[row].reshape(-1, 1) for row, place in enumerate(numeric)
    }
    for column, spec in zip(columns, features, strict=True):
        if spec.kind == "categorical":
            words = ["" if each is None or each != each else each for each in column]  # noqa: PLR0124 (NaN)
            inputs[spec.name] = np.array(spelled(words), dtype=object).reshape(-1, 1)
    return inputs


def numbers(columns: Sequence[Sequence[Any]]) -> NDArray[np.float32]:
    """Bound numbers as training does: null and infinite are NaN, magnitudes end at a bound."""
    try:
        values = np.array(columns, dtype=np.float64)
    except OverflowError:  # an integer beyond float64, which JSON may well spell
        values = np.array([[_float(each) for each in column] for column in columns])
    values[~np.isfinite(values)] = np.nan
    bounded: NDArray[np.float32] = values.clip(-LARGEST_MAGNITUDE, LARGEST_MAGNITUDE).astype(
        np.float32
    )
    return bounded


def _float(value: float | None) -> float:
    return np.nan if value is None else float(max(-FLOAT64_ENDS, min(FLOAT64_ENDS, value)))
