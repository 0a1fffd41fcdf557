"""The draft holds everything that scoring and explaining need, and nothing that runs code."""

from dataclasses import replace
from datetime import date

import pytest

from ucu_mlops.bundle.store import read_bundle
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.scam.training import train


def test_the_manifest_tells_what_was_trained(bundle, features):
    """Inputs, training data, options and figures are in the manifest."""
    manifest = read_bundle(bundle.folder).manifest
    assert (manifest.model, manifest.kind, manifest.as_of) == ("scam", "model", "2026-03-31")
    assert manifest.features == features
    assert manifest.training["training_id"] == "t1"
    assert manifest.training["options"]["lightgbm"]["n_estimators"] == 40
    assert 0.8 < manifest.training["held_out"]["roc_auc"] < 1
    assert set(manifest.files) == {"model.onnx", "preprocess.onnx", "lightgbm.txt"}


def test_importances_are_shares_of_the_gain(bundle, features):
    """They add up to one, over all features, and messages lead."""
    importances = bundle.manifest.training["importances"]
    assert sorted(importances) == sorted(spec.name for spec in features)
    assert sum(importances.values()) == pytest.approx(1)
    assert max(importances, key=importances.get) == "messages_sent_7d"


def test_too_few_scammers_train_nothing(training_set, features, options):
    """The caller is told how many there were."""
    few = training_set.assign(label=0)
    with pytest.raises(NotEnoughDataError, match="got 0"):
        train(few, features, options, as_of=date(2026, 3, 31), training={})


@pytest.mark.parametrize("change", [{"estimator": "logistic"}, {"scale": "log"}], ids=str)
def test_what_is_for_comparison_is_not_released(training_set, features, options, change):
    """A model without an exact export never becomes a bundle."""
    with pytest.raises(ConfigurationError, match="for comparison only"):
        train(
            training_set, features, replace(options, **change), as_of=date(2026, 3, 31), training={}
        )
