"""Options check themselves, in one line that says where."""

import subprocess
import sys

import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.options import ImageModelOptions, parse_options


def test_what_is_left_out_is_default():
    """An empty section and a missing one are the defaults."""
    assert parse_options({"finetuning": None}) == ImageModelOptions()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"fine": {}}, r"images.model has unknown \['fine'\]"),
        ({"looks": {"look": 2}}, r"images.model.looks has unknown \['look'\]"),
        ({"looks": {"looks": 3}}, "images.model.looks.looks must be 1 or 2, got 3"),
        ({"preprocessing": {"side": 100}}, "a multiple of patch"),
        ({"preprocessing": {"channels": 3}}, "images.model.preprocessing.mean must be 3 numbers"),
        ({"preprocessing": {"std": [0.0]}}, "images.model.preprocessing.std must be above 0"),
        ({"finetuning": {"batch": 0}}, "images.model.finetuning.batch must be a whole number"),
        ({"finetuning": {"samples": 10}}, "at least epochs times batch"),
        ({"finetuning": {"learning_rate": float("nan")}}, "images.model.finetuning.learning_rate"),
        ({"augmentation": {"flip": 1.5}}, "images.model.augmentation.flip must be from 0 to 1"),
        ({"network": {"width": 30}}, "images.model.network.width must be a multiple of heads"),
        ({"parity": {"pictures": True}}, "images.model.parity.pictures"),
    ],
)
def test_refuses(raw, says):
    """A wrong key or value is refused by name."""
    with pytest.raises(ConfigurationError, match=says):
        parse_options(raw)


def test_prediction_needs_no_torch():
    """Options, preprocessing, looks and the predictor import without torch and transformers."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None; "
        "import ucu_mlops.images.onnx_predictor, ucu_mlops.images.looks, ucu_mlops.images.pictures"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
