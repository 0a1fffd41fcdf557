"""A bundle answers any frame that has its features, and refuses the others by name."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor, batch_inputs, model_inputs
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.errors import BundleError, SchemaError

PREDICT_UNDER_GUARD = """
import sys
from pathlib import Path
import pandas as pd
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import read_bundle

def guard(event, arguments):
    assert not event.startswith("pickle."), (event, arguments)

sys.addaudithook(guard)
predictor = Predictor(read_bundle(Path(sys.argv[1])))
print(predictor.predict(pd.DataFrame({"x": [0.0], "place": ["UA"]}))[0, 0])
unwanted = {"joblib", "sklearn", "lightgbm", "onnx", "torch", "kedro", "mlflow"} & set(sys.modules)
assert not unwanted, unwanted
"""


@pytest.fixture
def bundle(draft, tmp_path):
    return write_bundle(draft, tmp_path / "bundle")


def test_answers_each_row(bundle):
    """One probability per row and label; infinite and null count as unknown, which is NaN here."""
    frame = pd.DataFrame({"x": [0.0, np.inf, None, -np.inf], "place": ["UA", None, "", "PL"]})
    answers = Predictor(bundle).predict(frame)
    assert answers.dtype == np.float64
    np.testing.assert_array_equal(answers, [[0.5], [np.nan], [np.nan], [np.nan]])


def test_answers_no_rows_with_no_rows(bundle):
    """A quiet day is no error."""
    frame = pd.DataFrame({"x": [], "place": []})
    assert Predictor(bundle).predict(frame).shape == (0, 1)


def test_names_missing_columns(bundle):
    """The error says which feature is missing, also when there are no rows."""
    with pytest.raises(SchemaError, match=r"the model needs columns \['place'\]"):
        Predictor(bundle).predict(pd.DataFrame({"x": []}))


def test_refuses_words_for_numbers(bundle):
    """A category in a numeric feature's column is a mistake, not a null."""
    with pytest.raises(SchemaError, match="'x' must hold numbers"):
        Predictor(bundle).predict(pd.DataFrame({"x": ["many"], "place": ["UA"]}))


@pytest.mark.parametrize("amount", [1e70, -1e70, 1.7e308, 3.4e38])
def test_huge_amounts_stay_finite(amount):
    """What float32 cannot hold is bounded before the cast, not turned into infinity."""
    spec = FeatureSpec("amount", "numeric", "transfers", "c3")
    value = model_inputs(pd.DataFrame({"amount": [amount]}), [spec])["amount"]
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, [[np.sign(amount) * 1e30]], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        ([True, False], ["true", "false"]),
        ([True, None], ["true", ""]),
        ([1, 2], ["1", "2"]),
        ([1.0, None], ["1", ""]),
        (["a", None], ["a", ""]),
        (pd.Categorical(["a", None]), ["a", ""]),
        (pd.array([True, None], dtype="boolean"), ["true", ""]),
        ([], []),
    ],
    ids=["bool", "bool and null", "int", "int and null", "str", "categorical", "boolean", "empty"],
)
def test_a_category_is_spelled_alike_in_every_type(values, spelled):
    """A null in the batch changes the column's type but not the spelling of its neighbours."""
    spec = FeatureSpec("place", "categorical", "profile", "b2")
    inputs = model_inputs(pd.DataFrame({"place": values}), [spec])
    assert inputs["place"].ravel().tolist() == spelled


@pytest.mark.parametrize(
    "values",
    [[1, 2], [True, False], pd.array([1, None], dtype="Int64"), [None, None], ["1", "2"]],
    ids=["int", "bool", "nullable", "all null", "digits"],
)
def test_numbers_come_in_every_type(values):
    """Whatever pandas made of the column, the network gets float32."""
    spec = FeatureSpec("x", "numeric", "messages", "a1")
    column = model_inputs(pd.DataFrame({"x": values}), [spec])["x"]
    assert (column.dtype, column.shape) == (np.float32, (2, 1))


def columns_of(kinds):
    """Draw an Arrow column of one of the kinds: (type, values), nulls among them."""
    return st.one_of(
        [
            st.lists(st.none() | values, max_size=20).map(
                lambda drawn, kind=kind: pa.array(drawn, kind)
            )
            for kind, values in kinds
        ]
    )


INTEGERS = (pa.int64(), st.integers(-(2**63), 2**63 - 1))
BOOLEANS = (pa.bool_(), st.booleans())
WORDS = st.text(max_size=4)
NUMBERS = [(pa.float64(), st.floats()), (pa.float32(), st.floats(width=32)), INTEGERS, BOOLEANS]
CATEGORIES = [(pa.string(), WORDS), (pa.large_string(), WORDS), INTEGERS, BOOLEANS]


@settings(max_examples=150, deadline=None)
@given(
    column=columns_of(NUMBERS).map(lambda drawn: ("numeric", drawn))
    | columns_of(CATEGORIES).map(lambda drawn: ("categorical", drawn)),
    skipped=st.integers(0, 3),
)
def test_a_batch_gives_what_its_frame_gives(column, skipped):
    """Whatever type an Arrow column has, the network gets what it gets from pandas, bit for bit."""
    kind, values = column
    spec = FeatureSpec("x", kind, "messages", "a1")
    batch = pa.RecordBatch.from_arrays([values], names=["x"]).slice(skipped)
    one = batch_inputs(batch, [spec])["x"]
    other = model_inputs(batch.to_pandas(), [spec])["x"]
    assert one.dtype == other.dtype
    np.testing.assert_array_equal(one, other)


def test_a_batch_is_answered_like_its_frame(bundle):
    """Probabilities are the same to the last bit, and the batch keeps its values."""
    frame = pd.DataFrame(
        {"x": [0.0, np.inf, None, 1e70, -3.5], "place": ["UA", None, "", "P", "Q"]}
    )
    batch = pa.RecordBatch.from_pandas(frame, preserve_index=False)
    predictor = Predictor(bundle)
    np.testing.assert_array_equal(predictor.predict_batch(batch), predictor.predict(frame))
    assert batch.equals(pa.RecordBatch.from_pandas(frame, preserve_index=False))
    assert predictor.predict_batch(batch.slice(0, 0)).shape == (0, 1)


def test_a_batch_without_a_feature_is_refused(bundle):
    """The error names the column, as for a frame."""
    batch = pa.RecordBatch.from_pydict({"x": [0.0]})
    with pytest.raises(SchemaError, match=r"the model needs columns \['place'\]"):
        Predictor(bundle).predict_batch(batch)


def test_the_caller_keeps_its_frame(bundle):
    """Predicting changes no value of the caller's table."""
    frame = pd.DataFrame({"x": [np.inf, 1e70], "place": [None, "UA"]})
    before = frame.copy()
    Predictor(bundle).predict(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_refuses_inputs_that_differ(draft, manifest, tmp_path):
    """A network with other inputs than the manifest's is noticed when it is opened."""
    other = replace(manifest, features=manifest.features[:1])
    bundle = write_bundle(replace(draft, manifest=other), tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"differ in \['place'\]"):
        Predictor(bundle)


def test_refuses_what_is_no_network(draft, tmp_path):
    """The right hash of the wrong thing still does not load."""
    files = {**draft.files, "model.onnx": b"no network"}
    bundle = write_bundle(replace(draft, files=files), tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"model\.onnx does not load"):
        Predictor(bundle)


def test_needs_no_pickle_and_no_training_library(bundle):
    """Reading and predicting unpickles nothing and loads none of what training needs."""
    command = [sys.executable, "-c", PREDICT_UNDER_GUARD, str(bundle.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "0.5"), done.stderr
