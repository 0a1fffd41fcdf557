"""The export says what the network says, and int8 is released only where it decides alike."""

import numpy as np
import pytest
import torch

from ucu_mlops.errors import BundleError, NotEnoughDataError
from ucu_mlops.images.export import change_bound, compare, to_int8, to_onnx
from ucu_mlops.images.inference import torch_look
from ucu_mlops.images.looks import classify
from ucu_mlops.images.onnx_predictor import ImagePredictor
from ucu_mlops.images.options import ParityOptions
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings

SETTINGS = PreprocessingSettings(side=32)
THRESHOLDS = np.array([0.5, 0.5])


@pytest.fixture(scope="module")
def exported(options):
    """A tiny network that answers firmly, and its export."""
    from ucu_mlops.images.network import build_network  # noqa: PLC0415

    network = build_network(options().network, SETTINGS, ["a", "b"], seed=3)
    with torch.no_grad():
        network.classifier.weight *= 20
    return network, to_onnx(network)


def test_onnx_equals_torch(exported, pictures):
    """Two looks through ONNX Runtime give what two looks through torch give."""
    network, model = exported
    looks = LookOptions(fired=0.5)
    ours = ImagePredictor(model, SETTINGS, looks, threads=1).probabilities(
        pictures.pixels, pictures.boxes
    )
    theirs = classify(pictures.pixels, pictures.boxes, torch_look(network), SETTINGS, looks)
    assert ours.shape == (len(pictures), 2)
    assert ours.dtype == np.float64
    assert np.abs(ours - theirs).max() < 1e-5


def test_no_picture_is_no_answer(exported):
    """No pictures: no rows, and a column per label."""
    predictor = ImagePredictor(exported[1], SETTINGS, threads=1)
    nothing = np.zeros((0, 64, 64, 1), np.uint8), np.zeros((0, 4), np.int64)
    assert predictor.probabilities(*nothing).shape == (0, 2)


def test_int8_is_close(exported, pictures):
    """The quantized network is smaller and says nearly the same."""
    _, model = exported
    quantized = to_int8(model)
    pair = [
        ImagePredictor(each, SETTINGS, threads=1).probabilities(pictures.pixels, pictures.boxes)
        for each in (model, quantized)
    ]
    assert 0 < np.abs(pair[0] - pair[1]).max() < 0.1


@pytest.mark.parametrize(("changed", "passes"), [(0, True), (12, True), (14, False)])
def test_the_gate_bounds_changed_decisions(changed, passes):
    """Of 2,000 decisions 12 may change (bound 0.97 %), 14 may not (1.09 %)."""
    ours = np.full((2_000, 2), 0.9)
    quantized = ours.copy()
    quantized[:changed, 1] = 0.1
    parity = compare(ours, quantized, THRESHOLDS, ["a", "b"], ParityOptions())
    assert (parity.changed, parity.passed) == ({"a": 0, "b": changed}, passes)
    assert parity.bounds["a"] < 0.002


def test_the_bound_is_clopper_and_pearsons():
    """No change in n decisions bounds the rate at 1 - 0.05 ** (1 / n)."""
    assert change_bound(0, 300, 0.95) == pytest.approx(1 - 0.05 ** (1 / 300))
    assert change_bound(300, 300, 0.95) == 1.0


def test_too_few_pictures_prove_nothing():
    """Fewer pictures than asked for are no comparison."""
    few = np.zeros((10, 2))
    with pytest.raises(NotEnoughDataError, match="compared on 10 pictures"):
        compare(few, few, THRESHOLDS, ["a", "b"], ParityOptions())


@pytest.mark.parametrize(
    ("settings", "says"),
    [(PreprocessingSettings(side=64), "export it again")],
)
def test_refuses_settings_of_another_network(exported, settings, says):
    """A model that is fed otherwise than its settings say is refused."""
    with pytest.raises(BundleError, match=says):
        ImagePredictor(exported[1], settings)


def test_refuses_what_is_no_model():
    """Damaged bytes are named as such."""
    with pytest.raises(BundleError, match="ONNX cannot be read"):
        ImagePredictor(b"no model", SETTINGS)
