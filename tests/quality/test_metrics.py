"""Figures agree with a count by hand, and refuse what they cannot measure."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError
from ucu_mlops.quality.metrics import (
    best_f1_threshold,
    classification_metrics,
    recall_at_capacity,
    recall_at_fpr,
)

# Few distinct probabilities, so that ties are common.
rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda n: n / 20)), min_size=2, max_size=40
).map(lambda pairs: tuple(np.array(column) for column in zip(*pairs, strict=True)))


def found_at(labels, probabilities, threshold):
    """Count recall, false positive rate and F1 of one threshold by hand."""
    found = probabilities >= threshold
    true = (found & (labels == 1)).sum()
    false = (found & (labels == 0)).sum()
    positives, negatives = (labels == 1).sum(), (labels == 0).sum()
    f1 = 2 * true / (found.sum() + positives)
    return true / positives, false / negatives, f1


@settings(deadline=None)
@given(rows, st.floats(0, 1))
def test_recall_at_fpr_is_the_best_threshold_within_the_bound(table, bound):
    """No threshold within the bound finds more, and one finds as many."""
    labels, probabilities = table
    assume(len(set(labels)) == 2)
    each = [found_at(labels, probabilities, t) for t in [*probabilities, 2.0]]
    expected = max(recall for recall, fpr, _ in each if fpr <= bound)
    assert recall_at_fpr(labels, probabilities, bound) == pytest.approx(expected)


@settings(deadline=None)
@given(rows)
def test_best_f1_threshold_cannot_be_beaten(table):
    """No threshold has a better F1."""
    labels, probabilities = table
    assume(len(set(labels)) == 2)
    best = found_at(labels, probabilities, best_f1_threshold(labels, probabilities))[2]
    assert best == pytest.approx(max(found_at(labels, probabilities, t)[2] for t in probabilities))


@settings(deadline=None)
@given(rows, st.integers(0, 50), st.randoms())
def test_recall_at_capacity_ignores_the_order_of_rows(table, capacity, random):
    """Shuffled rows give the same recall, however many tie."""
    labels, probabilities = table
    assume(len(set(labels)) == 2)
    order = list(range(len(labels)))
    random.shuffle(order)
    assert recall_at_capacity(labels[order], probabilities[order], capacity) == pytest.approx(
        recall_at_capacity(labels, probabilities, capacity)
    )


@settings(deadline=None)
@given(rows)
def test_recall_grows_with_capacity_from_none_to_all(table):
    """More time never finds less; no time finds nothing, enough finds all."""
    labels, probabilities = table
    assume(len(set(labels)) == 2)
    recalls = [recall_at_capacity(labels, probabilities, n) for n in range(len(labels) + 1)]
    assert recalls == sorted(recalls)
    assert (recalls[0], recalls[-1]) == (0.0, 1.0)


@settings(deadline=None)
@given(rows, st.lists(st.integers(1, 3), min_size=40, max_size=40))
def test_a_weight_counts_like_that_many_rows(table, repeats):
    """A row of weight 3 measures as three rows of weight 1 would."""
    labels, probabilities = table
    assume(len(set(labels)) == 2)
    weights = np.array(repeats[: len(labels)])
    repeated = (np.repeat(labels, weights), np.repeat(probabilities, weights))
    weighted = classification_metrics(labels, probabilities, 0.5, weights)
    assert weighted == pytest.approx(classification_metrics(*repeated, 0.5))
    assert recall_at_fpr(labels, probabilities, 0.2, weights) == pytest.approx(
        recall_at_fpr(*repeated, 0.2)
    )


def test_a_hand_made_table():
    """Two of three scams found among three rows found; calibration counted by hand."""
    labels, probabilities = [1, 1, 0, 0, 1], [0.9, 0.8, 0.7, 0.2, 0.1]
    measured = classification_metrics(labels, probabilities, threshold=0.5)
    assert measured["precision"] == measured["recall"] == pytest.approx(2 / 3)
    assert measured["roc_auc"] == pytest.approx(4 / 6)
    assert measured["ece"] == pytest.approx((0.1 + 0.2 + 0.7 + 0.2 + 0.9) / 5)
    assert measured["brier"] == pytest.approx((0.01 + 0.04 + 0.49 + 0.04 + 0.81) / 5)
    assert recall_at_capacity(labels, probabilities, 3) == pytest.approx(2 / 3)


def test_a_propensity_weight_corrects_recall():
    """A missed scam found by exploring one row in ten stands for ten."""
    recall = recall_at_capacity([1, 1, 0], [0.9, 0.1, 0.5], capacity=1, weights=[1, 10, 1])
    assert recall == pytest.approx(1 / 11)


def test_nothing_found_is_measured_not_a_warning():
    """Precision of an empty selection is 0."""
    measured = classification_metrics([0, 1], [0.1, 0.2], threshold=0.9)
    assert (measured["precision"], measured["recall"], measured["f1"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("labels", "probabilities", "weights", "kind"),
    [
        ([1, 1], [0.1, 0.2], None, NotEnoughDataError),
        ([], [], None, NotEnoughDataError),
        ([0, 1], [0.1, 0.2], [1, 0], NotEnoughDataError),
        ([0, 1], [0.1], None, DataError),
        ([0, 2], [0.1, 0.2], None, DataError),
        ([0, 1], [0.1, np.nan], None, DataError),
        ([0, 1], [0.1, 1.2], None, DataError),
        ([0, 1], [0.1, 0.2], [1, -1], DataError),
    ],
    ids=["one class", "no rows", "weightless", "shapes", "label", "NaN", "above 1", "negative"],
)
def test_refuses(labels, probabilities, weights, kind):
    """What cannot be measured is an error, never a NaN that travels on."""
    with pytest.raises(kind):
        classification_metrics(labels, probabilities, 0.5, weights)
    with pytest.raises(kind):
        recall_at_capacity(labels, probabilities, 1, weights)
    with pytest.raises(kind):
        best_f1_threshold(labels, probabilities, weights)


def test_refuses_impossible_bounds():
    """A bound outside 0 to 1 or a negative capacity is a mistake in the configuration."""
    with pytest.raises(ConfigurationError, match=r"fpr must be .* 1\.5"):
        recall_at_fpr([0, 1], [0.1, 0.2], 1.5)
    with pytest.raises(ConfigurationError, match=r"capacity must be .* -1"):
        recall_at_capacity([0, 1], [0.1, 0.2], -1)
