"""The plots show what the report says, also where it says null."""

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.images.evaluation import Judged, evaluate
from ucu_mlops.images.intervals import ImageEvaluationOptions
from ucu_mlops.images.plots import plot_precision_recall, plot_robustness
from ucu_mlops.images.thresholds import choose_thresholds

FAST = ImageEvaluationOptions(resamples=20)


def drawn(made_up, label_set, labels):
    """Draw the made-up images with other labels."""
    rows = made_up.probabilities, labels, made_up.groups
    thresholds = choose_thresholds(*rows, label_set, made_up.reader)
    judged = Judged(made_up.probabilities, made_up.reader, labels, made_up.groups)
    evaluation = evaluate(judged, thresholds, label_set, FAST)
    return plot_precision_recall(judged, label_set, evaluation), evaluation


def test_each_row_stands_where_the_report_puts_it(made_up, label_set):
    """One curve per label; network, reader and union are points with their recall and precision."""
    figure, evaluation = drawn(made_up, label_set, made_up.labels)
    points = {
        trace.name: (trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"
    }
    assert len(points) == 9
    union = evaluation["per_label"]["qr_code"]["union"]
    assert points["qr_code: union"] == (union["recall"], union["precision"])


def test_a_label_that_no_image_shows_has_no_curve(made_up, label_set):
    """Unknown and absent labels leave the others' curves as they are."""
    labels = made_up.labels.copy()
    labels[:, 0], labels[:, 1] = np.nan, 0
    figure, _ = drawn(made_up, label_set, labels)
    assert {trace.legendgroup for trace in figure.data} == {"linear_barcode"}


@pytest.mark.parametrize("kinds", [["blur", "crop"], []], ids=["two kinds", "none"])
def test_recall_is_drawn_from_the_untouched_on_and_failures_are_crossed(kinds):
    """One panel per kind, one line per label in each, a cross where the gate fails."""
    rows = [("untouched", np.nan, "qr_code", 0.9, False)]
    rows += [(kind, 1.0, "qr_code", 0.5, True) for kind in kinds]
    columns = ["distortion", "strength", "label", "recall", "failed"]
    figure = plot_robustness(pd.DataFrame(rows, columns=columns))
    assert [list(trace.y) for trace in figure.data] == [[0.9, 0.5]] * len(kinds)
    assert all(tuple(trace.marker.symbol) == ("circle", "x") for trace in figure.data)
