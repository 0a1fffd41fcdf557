"""The gate of a model of several labels."""

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError
from ucu_mlops.release.label_gate import LabelGateOptions, compare_labels

ASKED = {
    "min_positives": 20,
    "margin": 0.0,
    "non_inferiority": 0.02,
    "label_fall": 0.02,
    "max_age_days": 90,
    "level": 0.9,
    "resamples": 200,
    "seed": 0,
}
OPTIONS = LabelGateOptions(**ASKED)


def rows(champion: float, challenger: float, false_alarms: float = 0.0, n: int = 300):
    """Draw held-out pictures of two labels: each version finds a share of those that show one."""
    rng = np.random.default_rng(0)
    parts = []
    for label in ("qr_code", "linear_barcode"):
        shown = np.arange(n) % 3 == 0
        alarm = rng.random(n) < false_alarms
        found = {
            name: np.where(shown, rng.random(n) < recall, alarm)
            for name, recall in (("champion", champion), ("challenger", challenger))
        }
        part = pd.DataFrame({"entity_id": np.arange(n), "label": label, "shown": shown, **found})
        parts.append(part.assign(precision_floor=0.5))
    return pd.concat(parts, ignore_index=True)


def failed(report):
    """Name the conditions that do not hold."""
    return [each.name for each in report.conditions if not each.holds]


def test_a_better_worst_label_is_released():
    """More recall beyond doubt, with the precision asked for, promotes."""
    report = compare_labels(rows(0.6, 0.9), OPTIONS)
    assert (report.action, failed(report)) == ("promote", [])
    assert report.metrics["gain"]["low"] > 0


def test_an_equal_is_kept_but_enough_for_a_faulty_champion():
    """The same answers gain nothing; where the champion is faulty, no worse is enough."""
    frame = rows(0.8, 0.8)
    frame["challenger"] = frame["champion"]
    assert failed(compare_labels(frame, OPTIONS)) == ["gain_above_margin"]
    assert compare_labels(frame, OPTIONS, lenient=True).action == "promote"


def test_recall_bought_by_false_alarms_is_kept():
    """A version below a label's precision floor stays out, whatever it finds."""
    report = compare_labels(rows(0.5, 1.0, false_alarms=0.9), OPTIONS)
    assert (report.action, failed(report)) == ("keep", ["precision_above_floor"])


def test_a_label_that_falls_keeps_the_champion():
    """A better worst label does not pay for another one that falls beyond doubt."""
    frame = rows(0.5, 0.9)
    other = (frame["label"] == "linear_barcode") & frame["shown"]
    frame.loc[other, "champion"] = True
    report = compare_labels(frame, OPTIONS)
    assert (report.action, failed(report)) == ("keep", ["labels_hold"])


def test_too_few_positives_are_told_and_not_measured():
    """Without enough pictures of the rarest label there is no figure to trust."""
    report = compare_labels(rows(0.5, 1.0, n=30), OPTIONS)
    assert report.action == "keep"
    assert failed(report) == ["enough_positives", "gain_above_margin"]
    assert report.metrics["gain"] is None


def test_bad_rows_and_options_are_refused_in_one_line():
    """No rows, a missing column and nonsense asked for each say what is wrong."""
    with pytest.raises(DataError, match="no held-out rows"):
        compare_labels(rows(0.5, 0.5).head(0), OPTIONS)
    with pytest.raises(SchemaError, match="needs \\['shown'\\]"):
        compare_labels(rows(0.5, 0.5).drop(columns="shown"), OPTIONS)
    for key, value in (("level", 1.0), ("resamples", 0), ("margin", float("nan"))):
        with pytest.raises(ConfigurationError, match=f"gate.{key} must be"):
            LabelGateOptions(**ASKED | {key: value})
