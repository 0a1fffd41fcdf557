"""The exported network answers what the fitted model answers, whatever the frame."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as pdst

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor, model_inputs
from ucu_mlops.scam.estimator import TrainingOptions, fit
from ucu_mlops.scam.onnx_export import _round_down, preprocessing_to_onnx, to_onnx
from ucu_mlops.scam.preprocessing import model_frame

PARITY = 1e-6
numbers = st.floats() | st.floats(0, 60) | st.sampled_from([np.nan, np.inf, -np.inf, 1e70, -1e70])
words = st.sampled_from(["UA", "PL", "DE", "XX", "", None, "Ukraïna"])
frames = pdst.data_frames(
    [
        pdst.column("messages_sent_7d", elements=numbers, dtype=float),
        pdst.column("sentiment_mean_1d", elements=numbers, dtype=float),
        pdst.column("amount_life", elements=numbers, dtype=float),
        pdst.column("country", elements=words, dtype=object),
        pdst.column("phone_verified", elements=st.sampled_from([True, False, None]), dtype=object),
    ],
    index=pdst.range_indexes(max_size=30),
)


def answers(network: bytes, frame: pd.DataFrame, features) -> np.ndarray:
    """Run a network over a frame."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options)
    return session.run(None, model_inputs(frame, features))[0]


@settings(deadline=None, max_examples=150)
@given(frame=frames)
def test_bundle_and_model_agree(bundle, fitted, frame):
    """Null, infinite, huge, unseen: both give the same, never certain, probability."""
    answered = Predictor(bundle).predict(frame)
    np.testing.assert_allclose(answered, fitted.predict(frame), rtol=0, atol=PARITY)
    assert ((answered >= 1e-6) & (answered <= 1 - 1e-6)).all()


@settings(deadline=None)
@given(frame=frames.filter(len))
def test_preprocessing_is_equal_bit_for_bit(fitted, features, frame):
    """What the trees split on is the very same float32 value here and there."""
    exported = answers(preprocessing_to_onnx(fitted), frame, features)
    expected = fitted.preprocessing.transform(model_frame(frame, features))
    np.testing.assert_array_equal(exported, expected)


def test_a_large_model_agrees_on_many_rows(users, training_set, features):
    """Four hundred deep trees on 50,000 rows around every threshold stay within the parity."""
    deep = TrainingOptions(
        lightgbm={"n_estimators": 400, "num_leaves": 31, "min_child_samples": 5},
        calibration_folds=2,
    )
    fitted = fit(training_set, features, deep)
    frame = users(50_000, seed=2)
    difference = np.abs(answers(to_onnx(fitted), frame, features) - fitted.predict(frame))
    assert difference.max() <= PARITY


def test_values_on_a_threshold_go_the_same_way(fitted, features, training_set):
    """A value equal to a split's neighbours does not flip between float64 and float32."""
    near = model_inputs(training_set, features)["amount_life"].ravel()
    frame = pd.concat(
        [
            training_set.assign(amount_life=np.nextafter(near, np.float32(way)).astype(float))
            for way in (-np.inf, np.inf)
        ]
    )
    difference = np.abs(answers(to_onnx(fitted), frame, features) - fitted.predict(frame))
    assert difference.max() <= PARITY


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_one_kind_of_input_will_do(training_set, features, options, kind):
    """Without numbers or without categories the network is still whole."""
    chosen = [spec for spec in features if spec.kind == kind]
    fitted = fit(training_set, chosen, options)
    exported = answers(to_onnx(fitted), training_set, chosen)
    np.testing.assert_allclose(exported, fitted.predict(training_set), atol=PARITY)


def test_null_where_training_had_none(training_set, options):
    """NaN in a feature that was always known goes where LightGBM sends it."""
    spec = FeatureSpec("messages_sent_7d", "numeric", "messages", "a1")
    fitted = fit(training_set, [spec], options)
    frame = pd.DataFrame({"messages_sent_7d": [np.nan, 0.0, 50.0]})
    exported = answers(to_onnx(fitted), frame, [spec])
    np.testing.assert_allclose(exported, fitted.predict(frame), atol=PARITY)


def test_trees_of_one_leaf_are_exported(training_set, options):
    """When nothing tells scams apart, everybody gets the base rate, here and there."""
    spec = FeatureSpec("always", "numeric", "messages", "a1")
    table = training_set.assign(always=1.0)
    fitted = fit(table, [spec], options)
    exported = answers(to_onnx(fitted), table, [spec])
    np.testing.assert_allclose(exported, fitted.predict(table), atol=PARITY)
    assert exported[0, 0] == pytest.approx(
        np.average(table["label"], weights=table["weight"]), abs=0.02
    )


@settings(deadline=None)
@given(
    st.floats(allow_nan=False),
    st.floats(-(2**100), 2**100, width=32),
)
def test_rounding_down_keeps_every_comparison(threshold, value):
    """A float32 lies at or below the rounded threshold exactly if it does so for the true one."""
    assert (value <= _round_down(threshold)) == (value <= threshold)


def test_all_of_it_are_operators(fitted):
    """The network holds clip, encoding, trees and calibration, and no operator of our own."""
    network = onnx.load_from_string(to_onnx(fitted))
    used = {node.op_type for node in network.graph.node}
    assert {"Max", "Min", "OneHotEncoder", "TreeEnsembleRegressor", "Sigmoid", "Clip"} <= used
    assert {each.domain for each in network.opset_import} == {"", "ai.onnx.ml"}


def test_the_same_model_gives_the_same_bytes(fitted, training_set, features, options):
    """Equal training means an equal file, so a registry sees that nothing changed."""
    assert to_onnx(fitted) == to_onnx(fit(training_set, features, replace(options)))
