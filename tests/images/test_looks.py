"""The second look goes where the first one fired."""

import numpy as np

from ucu_mlops.images.looks import classify, second_boxes
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings

SETTINGS = PreprocessingSettings(side=32)
GRID = 4


def fire(row: int, column: int) -> np.ndarray:
    """Token probabilities of one picture of which one token fired."""
    tokens = np.zeros((1, GRID, GRID, 1), np.float32)
    tokens[0, row, column] = 0.9
    return tokens.reshape(1, GRID * GRID, 1)


def test_crops_around_what_fired():
    """One token of a square picture: its part of the picture, with the margin on each side."""
    boxes = np.array([[0, 0, 320, 320]])
    second, found = second_boxes(fire(1, 2), boxes, SETTINGS, LookOptions(margin=0.25, smallest=0))
    assert second.tolist() == [[60, 140, 120, 120]]
    assert found.tolist() == [True]


def test_stays_within_the_content():
    """At the edge of a letterboxed picture the crop ends where the content ends."""
    boxes = np.array([[80, 0, 160, 320]])
    second, _ = second_boxes(fire(1, 0), boxes, SETTINGS, LookOptions(margin=0.25, smallest=0.5))
    assert second.tolist() == [[80, 0, 160, 160]]


def test_looks_once_where_nothing_fired():
    """Without a fired token the box stays, and the first answer is the answer."""
    pixels = np.zeros((2, 32, 32, 1), np.uint8)
    seen = []

    def nothing(inputs):
        seen.append(len(inputs))
        return np.full((len(inputs), 1), 0.2, np.float32), np.zeros(
            (len(inputs), 16, 1), np.float32
        )

    answers = classify(pixels, np.array([[0, 0, 32, 32]] * 2), nothing, SETTINGS, LookOptions())
    assert seen == [2]
    assert np.allclose(answers, 0.2)


def test_both_looks_count():
    """The answers are averaged by the second look's weight."""
    answers = iter([0.2, 1.0])

    def once_more(inputs):
        tokens = np.ones((len(inputs), 16, 1), np.float32)
        return np.full((len(inputs), 1), next(answers), np.float32), tokens

    pixels, boxes = np.zeros((1, 32, 32, 1), np.uint8), np.array([[0, 0, 32, 32]])
    said = classify(pixels, boxes, once_more, SETTINGS, LookOptions(weight=0.75))
    assert np.allclose(said, 0.8)
