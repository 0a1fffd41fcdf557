"""One preprocessing, equal to the checkpoint's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from ucu_mlops.errors import DataError
from ucu_mlops.images.preprocessing import preprocess, resize_matrix
from ucu_mlops.images.settings import PreprocessingSettings

CHECKPOINT = PreprocessingSettings(
    side=224, channels=3, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="stretch"
)


def whole(pixels: np.ndarray) -> np.ndarray:
    """Boxes that take in the whole pictures."""
    return np.array([[0, 0, *pixels.shape[1:3]]] * len(pixels), np.int64)


@pytest.mark.parametrize("size", [(480, 640), (97, 301), (224, 224), (60, 45)])
def test_equals_the_checkpoints_processor(size):
    """Every value is within 0.02 of ViTImageProcessor's, for sharp pictures of any size."""
    chance = np.random.default_rng(5)
    coarse = chance.integers(0, 256, (-(-size[0] // 7), -(-size[1] // 7), 3), dtype=np.uint8)
    picture = np.kron(coarse, np.ones((7, 7, 1), np.uint8))[: size[0], : size[1]]
    processor = ViTImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3)
    theirs = processor(Image.fromarray(picture), return_tensors="np")["pixel_values"]
    ours = preprocess(picture[None], whole(picture[None]), CHECKPOINT)
    assert np.abs(ours - theirs).max() < 0.02


def test_a_letterboxed_picture_keeps_its_aspect():
    """A wide picture lies in the middle, with zeros above and below."""
    picture = np.full((1, 40, 80, 1), 255, np.uint8)
    settings = PreprocessingSettings(side=32)
    rows = preprocess(picture, whole(picture), settings)[0, 0].mean(axis=1)
    assert rows.tolist() == pytest.approx([-1.0] * 8 + [1.0] * 16 + [-1.0] * 8, abs=1e-6)


def test_only_the_content_is_looked_at():
    """Padding in the stored picture makes no difference."""
    chance = np.random.default_rng(0)
    content = chance.integers(0, 256, (1, 30, 50, 3), dtype=np.uint8)
    stored = np.zeros((1, 64, 64, 3), np.uint8)
    stored[:, 10:40, 5:55] = content
    settings = PreprocessingSettings(side=32)
    ours = preprocess(stored, np.array([[10, 5, 30, 50]]), settings)
    assert np.array_equal(ours, preprocess(content, whole(content), settings))


@given(st.integers(1, 400), st.integers(1, 400))
def test_resizing_keeps_a_plain_picture_plain(size, wanted):
    """Weights of each resized pixel sum to 1 and none is negative."""
    matrix = resize_matrix(size, wanted)
    assert matrix.min() >= 0
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("pixels", "box", "says"),
    [
        (np.zeros((1, 8, 8, 1), np.float32), [0, 0, 8, 8], "must be uint8"),
        (np.zeros((1, 8, 8, 2), np.uint8), [0, 0, 8, 8], "must be uint8 of shape"),
        (np.zeros((1, 8, 8, 1), np.uint8), [0, 4, 8, 8], r"picture 0 of \(8, 8\) pixels"),
        (np.zeros((1, 8, 8, 1), np.uint8), [0, 0, 0, 8], "a box lies within its picture"),
    ],
    ids=["floats", "two channels", "beyond", "empty"],
)
def test_refuses(pixels, box, says):
    """Pictures of another shape and boxes beyond them are refused."""
    with pytest.raises(DataError, match=says):
        preprocess(pixels, np.array([box], np.int64), PreprocessingSettings(side=32))
