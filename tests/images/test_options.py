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
        ({"fine": {}}, r"images.model must be sections of .*, got \['fine'\]"),
        ({"looks": {"look": 2}}, r"images.model.looks must be keys of .*, got \['look'\]"),
        ({"looks": 2}, "images.model.looks must be keys with values, got 2"),
        ({"looks": {"looks": 3}}, "images.model.looks.looks must be 1 or 2, got 3"),
        ({"looks": {"looks": True}}, "images.model.looks.looks must be 1 or 2, got True"),
        ({"preprocessing": {"side": 100}}, "a multiple of patch"),
        ({"preprocessing": {"channels": 3}}, "preprocessing.mean must be a list of 3, each"),
        ({"preprocessing": {"mean": 0.5}}, "preprocessing.mean must be a list of 1, each"),
        (
            {"preprocessing": {"std": [0.0]}},
            "preprocessing.std must be a list of 1, each .* above 0",
        ),
        ({"finetuning": {"batch": 0}}, "images.model.finetuning.batch must be a whole number"),
        ({"finetuning": {"samples": 10}}, "at least epochs times batch"),
        ({"finetuning": {"learning_rate": float("nan")}}, "images.model.finetuning.learning_rate"),
        ({"finetuning": {"device": "tpu"}}, "device must be auto or cpu or cuda, got 'tpu'"),
        ({"augmentation": {"flip": 1.5}}, "images.model.augmentation.flip must be a number at"),
        ({"network": {"width": 30}}, "images.model.network.width must be a multiple of heads"),
        ({"network": {"patch": 12}}, "images.model.network.patch must be a power of two"),
        ({"network": {"download": "yes"}}, "images.model.network.download must be true or false"),
        ({"parity": {"pictures": True}}, "images.model.parity.pictures"),
    ],
)
def test_refuses(raw, says):
    """A wrong key or value is refused by name, with the file to correct."""
    with pytest.raises(ConfigurationError, match=f"{says}.*; correct .*/images.yml"):
        parse_options(raw)


def test_prediction_needs_no_torch():
    """Options, preprocessing, looks and the predictor import without torch and transformers."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None; "
        "import ucu_mlops.images.onnx_predictor, ucu_mlops.images.looks, ucu_mlops.images.pictures"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
