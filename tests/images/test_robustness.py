"""Distortions change pictures and not their place, and the gate fails where recall falls."""

import numpy as np
import pytest

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.robustness import (
    KINDS,
    RobustnessOptions,
    measure_robustness,
    robustness_failures,
)
from ucu_mlops.images.thresholds import LabelThreshold, OperatingPoint

POINT = OperatingPoint(0.5, "met")
HALF = (LabelThreshold("stripes", POINT, POINT, 0.5, 1, 1),)
BOXES = np.tile([8, 0, 48, 64], (40, 1))


@pytest.fixture(scope="module")
def stripes():
    """Forty letterboxed pictures; the even ones are striped, column by column, the others plain."""
    pixels = np.zeros((40, 64, 64, 3), np.uint8)
    pixels[:, 8:56] = 128
    pixels[::2, 8:56, ::2] = 255
    pixels[::2, 8:56, 1::2] = 0
    return pixels


LABELS = (np.arange(40) % 2 == 0).astype(float)[:, None]


def contrast(pixels, boxes):
    """A network that sees neighbouring columns differ."""
    across = np.abs(np.diff(pixels[:, 16:48, 16:48, 0].astype(float), axis=2))
    return (across.mean(axis=(1, 2)) / 255)[:, None]


def measured(pixels, allowed, **asked):
    """Measure the forty pictures."""
    options = RobustnessOptions(allowed, **asked)
    return measure_robustness(pixels, BOXES, LABELS, contrast, HALF, options)


def test_the_gate_fails_where_recall_falls_by_more_than_allowed(stripes):
    """Blur takes the stripes away; a fine JPEG does not; the sentence says what, where, how far."""
    table = measured(stripes, {"blur": {2.0: 0.1}, "jpeg_quality": {95: 0.1}})
    assert table["distortion"].tolist() == ["untouched", "blur", "jpeg_quality"]
    assert table["recall"].tolist() == [1.0, 0.0, 1.0]
    assert table["failed"].tolist() == [False, True, False]
    assert robustness_failures(table) == [
        "stripes: recall falls by 1.000 to 0.000 at blur 2; 0.100 is allowed"
    ]
    assert robustness_failures(measured(stripes, {"blur": {2.0: 1.0}})) == []


def test_few_positives_are_told_and_not_gated(stripes):
    """With fewer pictures than asked for a single one would decide, so the gate keeps out."""
    table = measured(stripes, {"blur": {2.0: 0.1}}, min_positives=21)
    assert table["fall"].iloc[1] == 1.0
    assert not table["failed"].any()
    assert np.isnan(table["allowed"].iloc[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_distortion_changes_the_content_alone(stripes, kind, channels):
    """The padding stays black, the content changes, and the pictures given are not touched."""
    seen = []

    def predict(pixels, boxes):
        seen.append(pixels)
        return np.zeros((len(pixels), 1))

    rng = np.random.default_rng(0)
    before = stripes[..., :channels].copy()
    before[:, 8:56] = rng.integers(0, 255, before[:, 8:56].shape)
    kept = before.copy()
    strength = {"jpeg_quality": 30, "scale": 0.5, "rotation": 20, "blur": 1, "crop": 0.7}[kind]
    options = RobustnessOptions({kind: {strength: 0.5}})
    measure_robustness(before, BOXES, LABELS, predict, HALF, options)
    assert (before == kept).all()
    untouched, distorted = seen
    assert (untouched == kept).all()
    assert not distorted[:, :8].any()
    assert not distorted[:, 56:].any()
    assert (distorted[:, 8:56] != kept[:, 8:56]).mean() > 0.5


def test_a_label_without_positives_has_no_recall_to_lose(stripes):
    """Where no picture shows a label the row is there, without figures and without failure."""
    options = RobustnessOptions({"blur": {2.0: 0.1}})
    table = measure_robustness(stripes, BOXES, LABELS * 0, contrast, HALF, options)
    assert table["recall"].isna().all()
    assert not table["failed"].any()


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ({"fog": {1: 0.1}}, "'fog'; known are jpeg_quality, scale"),
        ({"blur": {0: 0.1}}, "strengths must be above 0"),
        ({"blur": {1: 2}}, "falls between 0 and 1"),
    ],
)
def test_refuses_what_cannot_be_tried(allowed, words):
    """An unknown kind, a strength of nothing and an impossible fall are told before a run."""
    with pytest.raises(ConfigurationError, match=words):
        RobustnessOptions(allowed)


def test_refuses_pictures_without_their_labels(stripes):
    """Pictures, boxes and labels of different lengths are not silently cut to fit."""
    with pytest.raises(DataError, match="do not fit"):
        measure_robustness(stripes, BOXES[:3], LABELS, contrast, HALF, RobustnessOptions())
