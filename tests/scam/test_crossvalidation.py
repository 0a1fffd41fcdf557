"""Cross-validation tests on accounts that it did not learn from, cohort by cohort."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.scam.crossvalidation import CrossValidationOptions, cross_validate

OPTIONS = CrossValidationOptions(folds=3, cohorts={"early": ["old"]})
FIGURES = {
    "roc_auc", "pr_auc", "precision", "recall", "f1", "ece",
    "recall_at_5pct_fpr", "recall_at_1pct_fpr", "recall_at_cases",
}  # fmt: skip


@pytest.fixture(scope="module")
def quick(options):
    return replace(options, lightgbm={"n_estimators": 15, "num_leaves": 7}, calibration_folds=2)


@pytest.fixture(scope="module")
def report(training_set, features, quick):
    return cross_validate(training_set, features, quick, OPTIONS)


def test_measures_each_cohort_and_all(report, training_set):
    """Every figure has a mean and a spread; counts are those of the cohort."""
    assert set(report["cross_validation"]) == {"early", "all"}
    for figures in report["cross_validation"].values():
        assert set(figures) == FIGURES
        assert all(0 <= each["mean"] <= 1 and each["sd"] >= 0 for each in figures.values())
    early = training_set[training_set["cohort"] == "old"]
    assert report["rows"] == {"early": len(early), "all": len(training_set)}
    assert report["positives"] == {
        "early": early["label"].sum(), "all": training_set["label"].sum()
    }  # fmt: skip
    assert report["cross_validation"]["all"]["roc_auc"]["mean"] > 0.8


def test_the_same_rows_give_the_same_report(report, training_set, features, quick):
    """Folds in parallel change nothing: the report is repeated digit for digit."""
    assert cross_validate(training_set, features, quick, OPTIONS) == report


def test_luck_is_not_taken_for_skill(training_set, features, quick):
    """Labels thrown with dice give an area of about one half, although thresholds are chosen."""
    dice = np.random.default_rng(0).integers(0, 2, len(training_set))
    figures = cross_validate(
        training_set.assign(label=dice), features, quick, replace(OPTIONS, cohorts={})
    )["cross_validation"]["all"]
    assert figures["roc_auc"]["mean"] == pytest.approx(0.5, abs=0.06)


def test_an_entity_is_not_recognised(training_set, features, quick):
    """A feature that names the entity helps nothing, as its other days are held out with it."""
    rng = np.random.default_rng(0)
    label_of_entity = rng.integers(0, 2, 1_200)
    entity = training_set["entity_id"].astype(int).to_numpy()
    table = training_set.assign(
        label=label_of_entity[entity], messages_sent_7d=entity.astype(float)
    )
    figures = cross_validate(table, features[:1], quick, replace(OPTIONS, cohorts={}))
    assert figures["cross_validation"]["all"]["roc_auc"]["mean"] < 0.6


def test_tells_how_far_it_is(training_set, features, quick, caplog):
    """Each fold is logged with its figures."""
    with caplog.at_level(logging.INFO):
        cross_validate(training_set, features, quick, replace(OPTIONS, cohorts={}))
    told = [record.message for record in caplog.records]
    assert sorted(each.split(":")[1] for each in told) == [f" fold {n} of 3" for n in (1, 2, 3)]
    assert all("roc_auc 0." in each for each in told)


def test_refuses_a_cohort_without_rows(training_set, features, quick):
    """A misspelled cohort is no empty result."""
    options = replace(OPTIONS, cohorts={"early": ["ancient"]})
    with pytest.raises(NotEnoughDataError, match=r"'early' has no rows.*ancient"):
        cross_validate(training_set, features, quick, options)


def test_names_missing_columns(training_set, features, quick):
    """Without a cohort column only ``all`` can be tested."""
    with pytest.raises(SchemaError, match="cohort"):
        cross_validate(training_set.drop(columns="cohort"), features, quick, OPTIONS)


@pytest.mark.parametrize(
    "wrong",
    [{"folds": 1}, {"cohorts": {"all": ["old"]}}, {"cases_share": 0}, {"first_days": 7}],
    ids=str,
)
def test_options_refuse(wrong):
    """The message names the parameter."""
    with pytest.raises(ConfigurationError, match=f"crossvalidation.{next(iter(wrong))}"):
        CrossValidationOptions(**wrong)
