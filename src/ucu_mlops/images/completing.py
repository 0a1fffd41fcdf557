"""What a candidate needs before it may decide: thresholds, and int8 where that decides alike."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.bundle.store import Bundle, Draft, revise
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.images.evaluation import Judged
from ucu_mlops.images.export import compare, to_int8
from ucu_mlops.images.model_files import (
    FP32,
    INT8,
    label_set_of,
    label_specs,
    policy_of,
    predictor_of,
)
from ucu_mlops.images.onnx_predictor import ImagePredictor
from ucu_mlops.images.options import ParityOptions
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings
from ucu_mlops.images.thresholds import LabelThreshold, choose_thresholds


def complete(
    candidate: Bundle,
    validation: Judged,
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.int64],
    options: ParityOptions,
) -> Draft:
    """Choose the thresholds, quantize, and keep the quantized network if it decides alike.

    Args:
        candidate: As training left it.
        validation: Pictures that the network did not learn from, judged by it and the reader.
        pixels: Pictures to compare the quantized network on, shape ``(n, side, side, channels)``.
        boxes: Their content, shape ``(n, 4)``.
        options: What the quantized network must keep.
    """
    label_set = label_set_of(candidate)
    thresholds = choose_thresholds(
        validation.probabilities, validation.labels, validation.groups, label_set, validation.reader
    )
    quantized = to_int8(candidate.read_bytes(FP32))
    parity = _parity(candidate, quantized, thresholds, pixels, boxes, options)
    manifest = candidate.manifest
    settings = PreprocessingSettings(**manifest.policy["preprocessing"])
    looks = LookOptions(**manifest.policy["looks"])
    draft = revise(
        candidate,
        labels=tuple(label_specs(thresholds, label_set)),
        policy=policy_of(label_set, settings, looks, thresholds) | {"parity": parity},
    )
    return Draft(draft.manifest, {**draft.files, INT8: quantized}) if parity["passed"] else draft


def _parity(
    candidate: Bundle,
    quantized: bytes,
    thresholds: tuple[LabelThreshold, ...],
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.int64],
    options: ParityOptions,
) -> dict[str, Any]:
    """Compare both networks; what cannot be compared has not passed, and says why."""
    precise = predictor_of(candidate, precise=True)
    try:
        found = compare(
            precise.probabilities(pixels, boxes),
            ImagePredictor(quantized, precise.settings, precise.options).probabilities(
                pixels, boxes
            ),
            np.array([each.network.threshold for each in thresholds]),
            [each.label for each in thresholds],
            options,
        )
    except NotEnoughDataError as error:
        return {"passed": False, "why_not": str(error)}
    return asdict(found)
