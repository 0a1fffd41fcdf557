"""Probabilities from a bundle, through ONNX Runtime: the same at the desk, in batch and online."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import BundleError, SchemaError

MODEL_FILE = "model.onnx"
OUTPUT = "probabilities"
# float32 ends at 3.4e38, and differences and squares of such values overflow. Amounts of tokens do
# reach 1e70: beyond this bound they only count as "huge", here and in training alike.
LARGEST_MAGNITUDE = 1e30
UNLOADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Predictor:
    """Answers for rows of features; may be shared by threads.

    Args:
        bundle: The bundle to answer from.
        threads: Threads that one call may use.

    Raises:
        BundleError: The network cannot be loaded, or its inputs are not the bundle's features.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.manifest = bundle.manifest
        self._session = open_session(bundle, MODEL_FILE, threads)

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Give each row its probabilities.

        Args:
            frame: One row per entity and day, one column per feature of the bundle: numbers (null
                and infinite count as unknown) or categories (null is the empty category); other
                columns are ignored.

        Returns:
            Probabilities, shape ``(n_rows, n_labels)``, columns in the order of the bundle's
            labels.

        Raises:
            SchemaError: A feature's column is missing or holds what is no number.
        """
        return self._answer(model_inputs(frame, self.manifest.features), len(frame))

    def predict_batch(self, batch: pa.RecordBatch) -> NDArray[np.float64]:
        """Give each row of an Arrow batch what :meth:`predict` would give it, without pandas.

        Args:
            batch: One row per entity and day, columns as for :meth:`predict`.

        Returns:
            Probabilities, shape ``(n_rows, n_labels)``.

        Raises:
            SchemaError: A feature's column is missing or holds what is no number.
        """
        return self._answer(batch_inputs(batch, self.manifest.features), len(batch))

    def predict_inputs(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Give the rows of ready inputs their probabilities: no frame, no batch is built.

        Args:
            inputs: As :func:`model_inputs` or :func:`ucu_mlops.bundle.rows.row_inputs` give them,
                of at least one row.

        Returns:
            Probabilities, shape ``(n_rows, n_labels)``.
        """
        (probabilities,) = self._session.run([OUTPUT], inputs)
        return np.asarray(probabilities, dtype=np.float64)

    def _answer(self, inputs: dict[str, NDArray[Any]], n_rows: int) -> NDArray[np.float64]:
        if n_rows == 0:
            return np.empty((0, len(self.manifest.labels)))
        return self.predict_inputs(inputs)


def open_session(bundle: Bundle, name: str, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load one of a bundle's ONNX files.

    Args:
        bundle: Where the file is.
        name: The file; its inputs must be the bundle's features.
        threads: Threads that one run may use.

    Raises:
        BundleError: It cannot be loaded, or its inputs are not the bundle's features.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            bundle.read_bytes(name), options, providers=["CPUExecutionProvider"]
        )
    except UNLOADABLE as error:
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"{bundle.folder / name} does not load ({reason}); train again"
        ) from error
    found = {each.name for each in session.get_inputs()}
    if differing := sorted(found ^ {spec.name for spec in bundle.manifest.features}):
        raise BundleError(
            f"{bundle.folder / name}: inputs and the manifest's features differ in {differing}; "
            "train again"
        )
    return session


def model_inputs(frame: pd.DataFrame, features: Sequence[FeatureSpec]) -> dict[str, NDArray[Any]]:
    """Bring a frame into the form that the ONNX inputs have; training uses the same.

    Args:
        frame: One row per entity and day, one column per feature.
        features: The inputs.

    Returns:
        By feature, shape ``(n_rows, 1)``: float32 with NaN for the unknown and magnitudes of at
        most ``LARGEST_MAGNITUDE``, or objects that are strings, with ``""`` for null.

    Raises:
        SchemaError: A feature's column is missing or holds what is no number.
    """
    check_columns(frame.columns, features)
    return {
        spec.name: (
            _numbers(frame[spec.name]) if spec.kind == "numeric" else _categories(frame[spec.name])
        ).reshape(-1, 1)
        for spec in features
    }


def batch_inputs(batch: pa.RecordBatch, features: Sequence[FeatureSpec]) -> dict[str, NDArray[Any]]:
    """Bring an Arrow batch into the form that the ONNX inputs have.

    Args:
        batch: One row per entity and day, one column per feature.
        features: The inputs.

    Returns:
        What :func:`model_inputs` gives for the same rows as a frame.

    Raises:
        SchemaError: A feature's column is missing or holds what is no number.
    """
    check_columns(batch.schema.names, features)
    return {spec.name: _batch_input(batch[spec.name], spec).reshape(-1, 1) for spec in features}


def check_columns(columns: Iterable[Any], features: Sequence[FeatureSpec]) -> None:
    """Refuse a table that lacks a feature.

    Raises:
        SchemaError: A feature's column is missing.
    """
    given = set(columns)
    if missing := [spec.name for spec in features if spec.name not in given]:
        raise SchemaError(f"the model needs columns {missing}; got {sorted(map(str, given))}")


def _batch_input(column: pa.Array, spec: FeatureSpec) -> NDArray[Any]:
    """Take the columns that a warehouse stores as they are, and what is rare through pandas."""
    if spec.kind == "numeric":
        if pa.types.is_float64(column.type):
            return _bounded(np.array(column.to_numpy(zero_copy_only=False)))
        return _numbers(column.to_pandas().rename(spec.name))
    if pa.types.is_string(column.type):
        # Null is no word of the dictionary: it gets the code behind the last, which is "".
        encoded = column.dictionary_encode()
        words = np.array([*encoded.dictionary.to_pylist(), ""], dtype=object)
        codes: NDArray[np.int32] = encoded.indices.fill_null(len(words) - 1).to_numpy()
        return words[codes]
    return _categories(column.to_pandas())


def _numbers(column: "pd.Series[Any]") -> NDArray[np.float32]:
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"feature {column.name!r} must hold numbers: {error}") from error
    return _bounded(values)


def _bounded(values: NDArray[np.float64]) -> NDArray[np.float32]:
    values[~np.isfinite(values)] = np.nan
    bounded: NDArray[np.float64] = values.clip(-LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
    return bounded.astype(np.float32)


def _categories(column: "pd.Series[Any]") -> NDArray[np.object_]:
    codes, distinct = pd.factorize(column)
    # The null has code -1, which is the last of the words.
    words = np.array([*spelled(distinct), ""], dtype=object)
    return words[codes]


def spelled(values: Iterable[Any]) -> list[str]:
    """Spell values alike, whatever type a null among them or JSON made of the column."""
    spelled = []
    for value in values:
        if isinstance(value, bool | np.bool_):
            spelled.append("true" if value else "false")
        elif isinstance(value, float) and value.is_integer():
            spelled.append(str(int(value)))
        else:
            spelled.append(str(value))
    return spelled
