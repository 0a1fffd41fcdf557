"""Each label is given by the row that its configuration names."""

import numpy as np

from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.operating_point import OperatingPoint
from ucu_mlops.images.policy import decide, follow_policy
from ucu_mlops.images.thresholds import LabelThreshold


def test_each_label_is_given_by_what_decides_it():
    """Network, reader and union each have their label, on images where they disagree."""
    expert = {"expert": ["QRCode"]}
    label_set = parse_labels(
        {
            "by_network": expert,
            "by_reader": expert | {"decides": "reader"},
            "by_union": expert | {"decides": "union"},
        }
    )
    points = OperatingPoint(0.5, "met"), OperatingPoint(0.8, "met")
    thresholds = [LabelThreshold(name, *points, 0.95, 1, 1) for name in label_set.names]
    probabilities = np.array([[0.6] * 3, [0.9] * 3, [0.1] * 3])
    reader = np.array([[False] * 3, [False] * 3, [True] * 3])
    given = follow_policy(probabilities, reader, thresholds, label_set)
    assert given.tolist() == [[True, False, False], [True, False, True], [False, True, True]]
    rows = decide(probabilities, reader, thresholds)
    assert (given[:, 1] == rows["reader"][:, 1]).all()


def test_no_image_gets_no_label():
    """A day without uploads has nothing to decide."""
    label_set = parse_labels({"face": {}})
    point = OperatingPoint(0.5, "met")
    thresholds = [LabelThreshold("face", point, point, 0.5, 1, 1)]
    nothing = np.zeros((0, 1))
    assert follow_policy(nothing, nothing > 0, thresholds, label_set).shape == (0, 1)
