"""The report's figures agree with a count by hand, and what cannot be told is null."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ucu_mlops.errors import DataError
from ucu_mlops.images.evaluation import Judged, evaluate, list_metrics
from ucu_mlops.images.intervals import ImageEvaluationOptions
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.thresholds import LabelThreshold, OperatingPoint, choose_thresholds

FAST = ImageEvaluationOptions(resamples=40)
TWO = parse_labels({"qr_code": {"expert": ["QRCode"], "decides": "union"}, "face": {}})


def halves(label_set=TWO):
    """Thresholds of one half."""
    half = OperatingPoint(0.5, "met")
    return tuple(LabelThreshold(name, half, half, 0.5, 1, 1) for name in label_set.names)


def judged(probabilities, labels, reader=None):
    """Images without groups."""
    labels = np.array(labels, float)
    reader = np.zeros(labels.shape, bool) if reader is None else np.array(reader, bool)
    return Judged(np.array(probabilities, float), reader, labels, [""] * len(labels))


@pytest.fixture(scope="module")
def report(made_up, label_set):
    """The made-up images, judged by thresholds chosen on them."""
    images = Judged(made_up.probabilities, made_up.reader, made_up.labels, made_up.groups)
    thresholds = choose_thresholds(
        made_up.probabilities, made_up.labels, made_up.groups, label_set, made_up.reader
    )
    return evaluate(images, thresholds, label_set, FAST)


def test_the_report_has_the_promised_form(report, label_set):
    """Names and nesting are what a judge of the file looks for; it is valid JSON."""
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert set(report["macro_f1"]) == {"network", "reader", "union"}
    assert set(report["code_free"]) == {"pictures", "flagged_network", "flagged_union"}
    assert tuple(report["per_label"]) == label_set.names
    figures = {"precision", "recall", "f1", "support"}
    for rows in report["per_label"].values():
        assert set(rows["network"]) == figures | {"average_precision", "threshold"}
        assert set(rows["reader"]) == figures
        assert set(rows["union"]) == figures | {"threshold"}


def test_the_union_beats_both_of_its_parts(report):
    """A reader that is exact and a network that mostly knows are better together."""
    macro = report["macro_f1"]
    assert macro["union"] > max(macro["network"], macro["reader"])


def test_counts_agree_with_a_count_by_hand():
    """Four images, two labels: each figure is the one counted on paper."""
    report = evaluate(
        judged(
            [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.1, 0.2]],
            [[1, 0], [1, 0], [0, 1], [0, 0]],
            [[0, 0], [1, 0], [0, 0], [0, 0]],
        ),
        halves(),
        TWO,
        FAST,
    )
    network, reader, union = (report["per_label"]["qr_code"][row] for row in report["macro_f1"])
    assert (network["precision"], network["recall"], network["support"]) == (1.0, 0.5, 2)
    assert (reader["precision"], reader["recall"]) == (1.0, 0.5)
    assert (union["precision"], union["recall"], union["f1"]) == (1.0, 1.0, 1.0)
    assert report["confusion"]["face"]["network"] == {"tp": 1, "fp": 1, "fn": 0, "tn": 2}
    assert report["macro_f1"]["network"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert report["code_free"] == {"pictures": 1, "flagged_network": 0, "flagged_union": 0}
    mistakes = report["mistakes"]["network"]
    assert mistakes["together"]["qr_code"] == {"qr_code": 1, "face": 1}
    assert mistakes["instead"] == {
        "qr_code": {"qr_code": 0, "face": 0},
        "face": {"qr_code": 1, "face": 0},
    }


def test_a_label_without_expert_has_no_readers_row():
    """The reader is not blamed for a label that nobody asked it to find."""
    report = evaluate(judged([[0.9, 0.9]] * 2, [[1, 1]] * 2, [[1, 0]] * 2), halves(), TWO, FAST)
    reader = report["per_label"]["face"]["reader"]
    assert reader == {"precision": None, "recall": None, "f1": None, "support": 2}
    assert report["macro_f1"]["reader"] == 1.0
    assert report["per_label"]["face"]["union"]["f1"] == 1.0


@pytest.mark.parametrize("label", [0.0, np.nan], ids=["none shows it", "unknown"])
def test_what_cannot_be_told_is_null(label):
    """Without an image that shows a label it has no recall, no F1 and no average precision."""
    report = evaluate(judged([[0.9, 0.9]] * 3, [[1, label]] * 3), halves(), TWO, FAST)
    network = report["per_label"]["face"]["network"]
    assert (network["recall"], network["f1"], network["average_precision"]) == (None, None, None)
    assert network["support"] == 0
    assert report["macro_f1"]["network"] == 1.0  # of the label that has one
    assert report["intervals"]["per_label"]["face"]["network"]["recall"] is None
    json.dumps(report, allow_nan=False)


def test_no_image_at_all_is_a_report_of_nulls():
    """An empty folder gives an empty report, not an error in the middle of one."""
    report = evaluate(judged(np.zeros((0, 2)), np.zeros((0, 2))), halves(), TWO, FAST)
    assert report["images"] == 0
    assert report["macro_f1"] == {"network": None, "reader": None, "union": None}


def test_only_images_known_to_show_nothing_are_code_free():
    """An image with an unknown label may show it, and is no code-free picture."""
    report = evaluate(judged([[0.9, 0.1]] * 3, [[0, 0], [0, np.nan], [1, 0]]), halves(), TWO, FAST)
    assert report["code_free"] == {"pictures": 1, "flagged_network": 1, "flagged_union": 1}


def test_intervals_hold_the_figure_and_say_what_was_resampled(report, made_up, label_set):
    """Whole groups are resampled where there are enough of them, images otherwise."""
    assert report["intervals"]["resampled"] == "groups"
    for row, value in report["macro_f1"].items():
        found = report["intervals"]["macro_f1"][row]
        assert found["low"] <= value == found["mid"] <= found["high"]
    images = Judged(made_up.probabilities, made_up.reader, made_up.labels, made_up.groups)
    more = evaluate(images, halves(label_set), label_set, replace(FAST, min_groups=13))
    assert more["intervals"]["resampled"] == "images"


def test_refuses_thresholds_of_another_label_set(made_up, label_set):
    """A model judged by labels it was not trained on would be judged column by wrong column."""
    images = Judged(made_up.probabilities, made_up.reader, made_up.labels, made_up.groups)
    with pytest.raises(DataError, match="label set that the model was trained on"):
        evaluate(images, halves(), label_set, FAST)


def test_mlflow_gets_every_figure_that_there_is(report):
    """Each figure under its path, nulls left out."""
    metrics = list_metrics(report)
    assert metrics["macro_f1.union"] == {"value": report["macro_f1"]["union"], "step": 0}
    precision = report["per_label"]["qr_code"]["network"]["average_precision"]
    assert metrics["qr_code.network.average_precision"]["value"] == precision
    empty = evaluate(judged(np.zeros((0, 2)), np.zeros((0, 2))), halves(), TWO, FAST)
    assert "macro_f1.union" not in list_metrics(empty)
