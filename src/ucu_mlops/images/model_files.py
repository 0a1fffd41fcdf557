"""What an image model's bundle holds, and how its answers are asked for: no torch needed.

``model.onnx``, ``model_int8.onnx`` (where it decides alike), ``model.safetensors`` with
``config.json`` and ``preprocessing.json``; labels, thresholds and looks are in ``bundle.json``
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from ucu_mlops.bundle.manifest import LabelSpec
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import BundleError, ConfigurationError
from ucu_mlops.images.labels import ImageLabel, LabelSet
from ucu_mlops.images.onnx_predictor import ImagePredictor
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings
from ucu_mlops.images.thresholds import LabelThreshold

CERTAIN = 1.0
FP32, INT8 = "model.onnx", "model_int8.onnx"


def policy_of(
    label_set: LabelSet,
    settings: PreprocessingSettings,
    looks: LookOptions,
    thresholds: tuple[LabelThreshold, ...] = (),
) -> dict[str, Any]:
    """Write down how answers are asked for and what is done with them, as a bundle keeps it."""
    return {
        # A list: their order is that of the network's outputs, and JSON objects get sorted.
        "labels": [asdict(each) for each in label_set.labels],
        "label_set": label_set.version,
        "preprocessing": asdict(settings),
        "looks": asdict(looks),
        "thresholds": [asdict(each) for each in thresholds],
    }


def predictor_of(bundle: Bundle, threads: int = 0, *, precise: bool = False) -> ImagePredictor:
    """Open a bundle's network: the quantized one, where it decides alike.

    Args:
        bundle: An image model's.
        threads: Cores for one call; 0: all.
        precise: Whether the full precision is wanted all the same.

    Raises:
        BundleError: It is no image model's, or its network cannot be read.
    """
    quantized = INT8 in bundle.manifest.files and not precise
    with _readable(bundle):
        settings = PreprocessingSettings(**bundle.manifest.policy["preprocessing"])
        looks = LookOptions(**bundle.manifest.policy["looks"])
    return ImagePredictor(bundle.read_bytes(INT8 if quantized else FP32), settings, looks, threads)


def label_set_of(bundle: Bundle) -> LabelSet:
    """Give the labels that a model was trained on, with what was asked of each.

    Raises:
        BundleError: It is no image model's.
    """
    with _readable(bundle):
        return LabelSet(tuple(ImageLabel(**each) for each in bundle.manifest.policy["labels"]))


def thresholds_of(bundle: Bundle) -> tuple[LabelThreshold, ...]:
    """Give the thresholds that a model was completed with.

    Raises:
        BundleError: It is no image model's, or was not completed.
    """
    with _readable(bundle):
        found = tuple(
            LabelThreshold.from_dict(each) for each in bundle.manifest.policy["thresholds"]
        )
    if not found:
        raise BundleError(f"{bundle.folder} has no thresholds yet; run images_training again")
    return found


def label_specs(thresholds: tuple[LabelThreshold, ...], label_set: LabelSet) -> list[LabelSpec]:
    """Give each label the threshold of who decides; at most 1, for what is certain is given."""
    return [
        LabelSpec(asked.name, min(_deciding(asked, each), 1.0))
        for asked, each in zip(label_set.labels, thresholds, strict=True)
    ]


def _deciding(asked: ImageLabel, threshold: LabelThreshold) -> float:
    if asked.decides == "reader":
        return CERTAIN
    return (threshold.network if asked.decides == "network" else threshold.union).threshold


@contextmanager
def _readable(bundle: Bundle) -> Iterator[None]:
    """Say in one line that a bundle is no image model's."""
    try:
        yield
    except (KeyError, TypeError, ConfigurationError) as error:
        raise BundleError(
            f"{bundle.folder} is no bundle of the image model ({error}); train one"
        ) from error
