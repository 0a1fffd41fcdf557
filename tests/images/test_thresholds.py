"""A threshold reaches the wished recall where it can, and says so where it cannot."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ucu_mlops.errors import BundleError, DataError
from ucu_mlops.images.labels import ImageLabel, LabelSet
from ucu_mlops.images.policy import decide
from ucu_mlops.images.thresholds import (
    LabelThreshold,
    choose_thresholds,
    union_scores,
    unmet_wishes,
)

ONE = LabelSet((ImageLabel("qr_code", recall=0.8, precision_floor=0.5, expert=("QRCode",)),))


def choose(scores, labels, groups=None, label=ONE):
    """Choose the threshold of a single label."""
    scores, labels = np.array(scores, float)[:, None], np.array(labels, float)[:, None]
    groups = np.full(len(scores), "") if groups is None else np.array(groups)
    (chosen,) = choose_thresholds(scores, labels, groups, label)
    return chosen


def f1(point):
    """F1 of an operating point."""
    return 2 * point.precision * point.recall / (point.precision + point.recall)


def test_takes_the_best_precision_that_reaches_the_recall():
    """Four of five positives are enough, and the fifth would cost two false alarms."""
    chosen = choose([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], [1, 1, 1, 1, 0, 0, 1])
    assert chosen.threshold == pytest.approx(0.55)  # midway to the next one
    assert (chosen.network.state, chosen.network.recall, chosen.network.precision) == (
        "met",
        0.8,
        1.0,
    )


def test_more_recall_comes_for_nothing_where_precision_rises_with_it():
    """A lower threshold with a better precision is taken though a higher one has the recall."""
    chosen = choose([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 1, 1, 1, 1, 1])
    assert (chosen.network.recall, chosen.network.precision) == (1.0, pytest.approx(5 / 6))


def test_an_unknown_label_counts_neither_way():
    """An image whose label nobody gave changes nothing, whatever its probability."""
    scores, labels = [0.9, 0.8, 0.7, 0.6, 0.2], [1, 1, 0, 1, 0]
    with_unknown = choose([*scores, 0.95, 0.65], [*labels, np.nan, np.nan])
    assert with_unknown.network == choose(scores, labels).network
    assert with_unknown.positives == 3


def test_a_floor_that_the_recall_cannot_keep_bounds_the_false_alarms():
    """Precision stays at the floor, recall is the highest there, and the state tells it."""
    scores = [0.9, 0.8, *np.linspace(0.7, 0.6, 9), 0.5, 0.4]
    chosen = choose(scores, [1, 1, *[0] * 9, 1, 1]).network
    assert chosen.state == "recall_below_wish"
    assert (chosen.recall, chosen.precision) == (0.5, pytest.approx(0.5))
    assert 0.6 < chosen.threshold < 0.8


def test_says_when_no_threshold_reaches_the_floor():
    """Where every threshold gives too many false alarms, the state is the floor's."""
    chosen = choose([0.9, 0.8, 0.7, 0.6, 0.5], [0, 0, 0, 1, 0]).network
    assert (chosen.state, chosen.precision, chosen.recall) == ("precision_below_floor", 0.25, 1.0)


@pytest.mark.parametrize("labels", [[0, 0], [np.nan, np.nan], []], ids=["none", "unknown", "empty"])
def test_a_label_without_positives_is_never_given(labels):
    """Without an image that shows it there is nothing to choose by: no probability is enough."""
    chosen = choose([0.9, 1.0][: len(labels)], labels)
    assert chosen.network.state == chosen.union.state == "no_positives"
    assert chosen.threshold > 1
    assert chosen.network.recall is None


def test_a_group_left_out_reaches_the_recall():
    """Each camera is fainter than the last: the threshold would have reached the faintest."""
    scores = np.concatenate([base + np.linspace(0.05, 0, 10) for base in (0.9, 0.8, 0.7, 0.6)])
    rows = [*scores, 0.1], [*[1] * 40, 0]
    chosen = choose(*rows, [*np.repeat(["a", "b", "c", "d"], 10), "none"]).network
    assert (chosen.state, chosen.left_out_recall) == ("met", 1.0)
    together = choose(*rows).network  # every image a group of its own
    assert chosen.threshold < 0.61 < together.threshold


def test_recall_on_new_groups_is_reached_more_often_than_by_pooling(made_up_worlds):
    """On unseen groups of the same world the left-out choice falls short less often."""
    label_set = LabelSet((ImageLabel("qr_code", recall=0.9, precision_floor=0.1),))
    short = {True: 0, False: 0}
    for old, new in made_up_worlds:
        for grouped in (True, False):
            groups = old.groups if grouped else np.full(len(old.groups), "")
            (chosen,) = choose_thresholds(
                old.probabilities[:, :1], old.labels[:, :1], groups, label_set
            )
            shown = new.labels[:, 0] == 1
            short[grouped] += (new.probabilities[shown, 0] >= chosen.threshold).mean() < 0.9
    assert short[True] < short[False]


def test_the_union_is_better_than_the_network(made_up, label_set):
    """With what the reader found the recall is reached, and F1 is above the network's."""
    rows = made_up.probabilities, made_up.labels, made_up.groups
    for each in choose_thresholds(*rows, label_set, made_up.reader):
        assert each.union.recall >= 0.95
        assert f1(each.union) > f1(each.network)


def test_a_reader_that_reaches_the_recall_does_not_silence_the_network():
    """The network adds what it is sure of, though precision alone would ask for nothing more."""
    scores, labels = [*[0.3] * 9, 0.9, 0.2], [*[1] * 10, 0]
    reader = np.array([*[True] * 9, False, False])[:, None]
    rows = np.array(scores)[:, None], np.array(labels, float)[:, None], [""] * 11
    (chosen,) = choose_thresholds(*rows, ONE, reader)
    assert (chosen.union.recall, chosen.union.precision) == (1.0, 1.0)
    assert chosen.union.threshold == pytest.approx(0.55)  # midway to 0.2; the others are read


def test_wishes_that_are_not_met_are_told():
    """One sentence per label and row that falls short, with what was reached and asked."""
    short = choose([0.9, 0.8, *np.linspace(0.7, 0.6, 9), 0.5, 0.4], [1, 1, *[0] * 9, 1, 1])
    assert unmet_wishes([short], ONE) == [
        f"qr_code: {row} recall_below_wish: recall 0.500 of 0.8, precision {precision} with a "
        "floor of 0.5"
        for row, precision in (("network", "0.500"), ("union", "0.500"))
    ]
    (none,) = unmet_wishes([choose([0.5], [0])], ONE)
    assert none.startswith("qr_code: no image among these shows it")
    assert unmet_wishes([choose([0.9, 0.1], [1, 0])], ONE) == []


def test_rounding_changes_no_decision():
    """No probability lies at the threshold itself, unless two neighbours are equal to rounding."""
    rng = np.random.default_rng(0)
    scores = rng.random(200)
    chosen = choose(scores, rng.random(200) < scores)
    assert np.abs(scores - chosen.threshold).min() > 0


@settings(max_examples=60, deadline=None)
@given(
    scores=arrays(float, 12, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])),
    shown=arrays(bool, 12),
    groups=arrays(int, 12, elements=st.integers(0, 3)),
)
def test_what_is_told_is_what_the_threshold_does(scores, shown, groups):
    """Recall and precision are those of `probability >= threshold`, ties included."""
    chosen = choose(scores, shown, groups.astype(str)).network
    found = scores >= chosen.threshold
    if not shown.any():
        assert not found.any()
        return
    assert chosen.recall == pytest.approx(found[shown].mean())
    assert chosen.precision == (pytest.approx(shown[found].mean()) if found.any() else None)
    assert (chosen.state == "met") <= (
        (chosen.left_out_recall if chosen.left_out_recall is not None else chosen.recall) >= 0.8
    )


def test_refuses_what_is_no_row_to_judge(made_up, label_set):
    """Shapes, probabilities and labels are checked, and the line names what is wrong."""
    good = {name: getattr(made_up, name) for name in ("probabilities", "labels", "groups")}
    for key, value, words in [
        ("probabilities", made_up.probabilities[:, :2], r"shape \(n, 3\)"),
        ("probabilities", made_up.probabilities + 1, "between 0 and 1"),
        ("probabilities", made_up.probabilities * np.nan, "between 0 and 1"),
        ("labels", made_up.labels + 1, "0, 1 or NaN"),
        ("groups", made_up.groups[:-1], r"groups must have shape \(480,\)"),
    ]:
        with pytest.raises(DataError, match=words):
            choose_thresholds(label_set=label_set, **(good | {key: value}))


def test_what_was_read_is_certain_and_what_is_beside_it_doubtful():
    """Read: above every probability. Beside another label: certain from `beside` on, else out."""
    probabilities = np.array([0.2, 1.0, 0.7, 0.6])
    reader = np.array([[True, False], [False, False], [False, True], [False, True]])
    scores = union_scores(probabilities, reader, 0, beside=0.7)
    assert scores[0] > 1
    assert scores[1] == 1
    assert scores[2] > 1
    assert scores[3] < 0


@pytest.mark.parametrize(("n", "given"), [(9, 0), (10, 10)], ids=["too few", "enough"])
def test_a_label_is_added_beside_a_read_one_where_enough_images_show_how(n, given):
    """With ten images of two codes, one of them read, the other is given too; with nine never."""
    both = LabelSet(
        (ImageLabel("qr_code", expert=("QRCode",)), ImageLabel("ean", expert=("EAN13",)))
    )
    probabilities = np.array([[0.8, 0.9]] * n + [[0.4, 0.9]] * 30)
    labels = np.array([[1, 1]] * n + [[0, 1]] * 30)
    reader = np.array([[False, True]] * (n + 30))
    rows = probabilities, labels, [""] * len(labels)
    chosen = choose_thresholds(*rows, both, reader)
    assert decide(probabilities, reader, chosen)["union"][:, 0].sum() == given


def test_a_label_without_expert_is_the_networks(made_up):
    """Whatever was read beside it, the union says what the network says."""
    label_set = LabelSet(
        (ImageLabel("face"), *(ImageLabel(name, expert=("EAN13",)) for name in "ab"))
    )
    reader = made_up.reader.copy()
    reader[:, 0] = False
    rows = made_up.probabilities, made_up.labels, made_up.groups
    given = decide(rows[0], reader, choose_thresholds(*rows, label_set, reader))
    assert (given["union"][:, 0] == given["network"][:, 0]).all()


def test_a_bundle_carries_thresholds_as_json(made_up, label_set):
    """What is written is read again as it was; something else is told."""
    rows = made_up.probabilities, made_up.labels, made_up.groups
    chosen = choose_thresholds(*rows, label_set, made_up.reader)
    written = json.loads(json.dumps([asdict(each) for each in chosen], allow_nan=False))
    assert tuple(LabelThreshold.from_dict(each) for each in written) == chosen
    for wrong in ({}, written[0] | {"more": 1}, written[0] | {"union": {"at": 0.5}}):
        with pytest.raises(BundleError, match="is no label's threshold"):
            LabelThreshold.from_dict(wrong)
