"""Fitting is repeatable, calibrated, and honest about what it cannot fit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError, SchemaError
from ucu_mlops.quality.metrics import classification_metrics
from ucu_mlops.scam.estimator import TrainingOptions, fit
from ucu_mlops.scam.preprocessing import ClippedScaler


def test_the_same_rows_give_the_same_model(training_set, features, options, fitted):
    """Fitting again repeats every tree, the calibration and so every answer, bit for bit."""
    again = fit(training_set, features, options)
    texts = [each.classifier.booster_.model_to_string() for each in (again, fitted)]
    assert texts[0] == texts[1]
    assert again.calibration == fitted.calibration
    np.testing.assert_array_equal(again.predict(training_set), fitted.predict(training_set))


@pytest.mark.parametrize("balancing", ["none", "undersample", "oversample", "smotenc"])
def test_probabilities_mean_what_they_say(training_set, users, features, options, balancing):
    """However the classes were balanced, promised and true shares agree on fresh users."""
    fitted = fit(training_set, features, replace(options, balancing=balancing))
    fresh = users(4_000, seed=1)
    measured = classification_metrics(fresh["label"], fitted.predict(fresh)[:, 0], 0.5)
    assert measured["ece"] < 0.05
    assert measured["roc_auc"] > 0.8


def test_held_out_predictions_are_no_flattery(training_set, users, fitted):
    """Figures on held-out predictions are those of fresh users, not the training rows' own."""
    fresh = users(4_000, seed=1)
    held_out, true, flattering = (
        classification_metrics(labels, probabilities, 0.5)["roc_auc"]
        for labels, probabilities in (
            (training_set["label"], fitted.held_out),
            (fresh["label"], fitted.predict(fresh)[:, 0]),
            (training_set["label"], fitted.predict(training_set)[:, 0]),
        )
    )
    assert held_out == pytest.approx(true, abs=0.04)
    assert held_out < flattering


@pytest.mark.parametrize("balancing", ["none", "undersample", "oversample", "smotenc"])
def test_calibration_never_sees_a_balanced_row(training_set, features, options, balancing):
    """What the calibration is fitted on has the rows and the share of scams that were given."""
    fitted = fit(training_set, features, replace(options, balancing=balancing))
    assert len(fitted.held_out) == len(training_set)
    given = np.average(training_set["label"], weights=training_set["weight"])
    promised = np.average(fitted.held_out, weights=training_set["weight"])
    assert promised == pytest.approx(given, abs=0.005)


@pytest.mark.parametrize(
    "change",
    [{"estimator": "logistic"}, {"estimator": "random_forest"}, {"scale": "log"}],
    ids=str,
)
def test_what_is_compared_learns_too(training_set, users, features, options, change):
    """Other estimators and scales rank fresh users well, and repeat themselves."""
    chosen, fresh = replace(options, **change), users(4_000, seed=1)
    answers = fit(training_set, features, chosen).predict(fresh)
    measured = classification_metrics(fresh["label"], answers[:, 0], 0.5)
    assert measured["roc_auc"] > 0.75
    np.testing.assert_array_equal(fit(training_set, features, chosen).predict(fresh), answers)


def test_weights_move_the_probabilities(training_set, features, options, fitted):
    """Scams that count ten times raise what everybody is given."""
    heavy = training_set.assign(weight=np.where(training_set["label"] == 1, 10.0, 1.0))
    raised = fit(heavy, features, replace(options, balancing="undersample")).predict(training_set)
    assert raised.mean() > fitted.predict(training_set).mean() + 0.1


def test_only_numbers_or_only_categories_will_do(training_set, features, options):
    """A model may have inputs of one kind only."""
    for kind in ("numeric", "categorical"):
        chosen = [spec for spec in features if spec.kind == kind]
        assert fit(training_set, chosen, options).predict(training_set[:3]).shape == (3, 1)


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        (lambda t: t.assign(label=0), NotEnoughDataError, "20 positive entities .* got 0"),
        (lambda t: t.assign(label=1), NotEnoughDataError, "3 others, got .* and 0"),
        (lambda t: t[:0], NotEnoughDataError, "got 0 and 0"),
        (lambda t: t.assign(entity_id="one"), NotEnoughDataError, "got 1 and 0"),
        (lambda t: t.assign(label=2), DataError, "label must be 0 or 1"),
        (lambda t: t.assign(weight=np.nan), DataError, "weight must be finite"),
        (lambda t: t.drop(columns="label"), SchemaError, "needs column 'label'"),
        (lambda t: t.drop(columns="country"), SchemaError, r"needs columns \['country'\]"),
    ],
    ids=["no scam", "only scams", "no rows", "one entity", "label", "weight", "none", "feature"],
)
def test_refuses(training_set, features, options, change, kind, complaint):
    """What cannot be learned from is refused in words, before anything is fitted."""
    with pytest.raises(kind, match=complaint):
        fit(change(training_set), features, options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"balancing": "smote"},
        {"estimator": "oracle"},
        {"scale": "rank"},
        {"ratio": 0},
        {"outliers": {"lower": 0.9, "upper": 0.1}},
        {"outliers": {"lower": 0.1}},
        {"lightgbm": {"linear_tree": True}},
        {"lightgbm": {"random_state": 1}},
        {"calibration_folds": 1},
        {"min_positives": 0},
    ],
    ids=str,
)
def test_options_refuse(wrong):
    """The message names the parameter and what came."""
    with pytest.raises(ConfigurationError, match=f"training.{next(iter(wrong))}"):
        TrainingOptions(**wrong)


def test_a_parameter_that_lightgbm_refuses_is_one_line(training_set, features, options):
    """What LightGBM says about a value comes with the file to correct, not as a traceback."""
    wrong = replace(options, lightgbm={**options.lightgbm, "learning_rate": "abc"})
    with pytest.raises(ConfigurationError, match=r"abc.*parameters/training\.yml") as caught:
        fit(training_set, features, wrong)
    assert "\n" not in str(caught.value)


def test_amounts_beyond_float32_are_learned_from(training_set, features, options):
    """1e70 ends as the upper quantile: no infinity, no warning, and it still sorts above 1e29."""
    spec = FeatureSpec("huge", "numeric", "transfers", "c3")
    scam = training_set["label"] == 1
    table = training_set.assign(huge=np.where(scam, 1e70, 1e29))
    fitted = fit(table, [*features, spec], options)
    answers = fitted.predict(table)[:, 0]
    assert np.isfinite(answers).all()
    assert answers[scam].min() > answers[~scam].max()


columns = npst.arrays(
    np.float64,
    npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20),
    elements=st.floats(-1e30, 1e30) | st.just(np.nan) | st.floats(-10, 10),
)


@settings(deadline=None)
@given(columns, columns)
def test_scaling_never_makes_an_infinity(learned, applied):
    """Constant, empty, huge or tiny: what comes out is finite or the NaN that went in."""
    applied = np.resize(applied, (len(applied), learned.shape[1]))
    scaled = ClippedScaler(0.01, 0.99).fit(learned).transform(applied.astype(np.float32))
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(applied))
    assert not np.isinf(scaled).any()


def test_outliers_end_at_the_quantiles():
    """A value beyond the training quantiles counts as the quantile itself."""
    scaler = ClippedScaler(0.1, 0.9).fit(np.arange(101.0).reshape(-1, 1))
    assert (scaler.low_[0], scaler.high_[0]) == (10, 90)
    beyond = scaler.transform(np.array([[-1e30], [10], [90], [1e30]], dtype=np.float32))
    assert beyond[0] == beyond[1] == -beyond[2] == -beyond[3]


def test_rows_may_be_a_view_with_any_index(training_set, features, options):
    """The index of the training set means nothing."""
    shuffled_index = training_set.set_axis(np.arange(len(training_set)) * 7 + 3)
    expected = fit(training_set, features, options).held_out
    np.testing.assert_array_equal(fit(shuffled_index, features, options).held_out, expected)
    assert isinstance(shuffled_index, pd.DataFrame)
