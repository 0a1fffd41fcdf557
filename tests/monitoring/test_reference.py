"""The reference remembers what was usual and how much quiet days differ."""

import json

import numpy as np
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError, SchemaError
from ucu_mlops.monitoring.reference import bin_counts, build_reference
from ucu_mlops.quality.drift import jensen_shannon


def test_is_json_and_adds_up(reference, specs):
    """It travels in a bundle, its shares sum to 1, its weights too."""
    assert json.loads(json.dumps(reference, allow_nan=False)) == reference
    features = reference["features"]
    assert list(features) == [spec.name for spec in specs]
    for profile in [*features.values(), reference["score"]]:
        assert sum(profile["shares"]) == pytest.approx(1)
    assert sum(each["weight"] for each in features.values()) == pytest.approx(1)
    assert features["messages_sent"]["weight"] == pytest.approx(0.6)
    assert features["phone_verified"]["weight"] == 0
    assert (reference["days"], reference["rows"]) == (21, 1_500)


def test_says_what_is_usual(reference, quiet_days):
    """Medians, the most frequent category and the share of unknown values are kept."""
    features = reference["features"]
    assert features["messages_sent"]["median"] == quiet_days["messages_sent"].median()
    assert features["country"]["median"] == "UA"
    assert features["phone_verified"]["median"] == "true"
    assert features["sentiment"]["missing"] == quiet_days["sentiment"].isna().mean()
    assert 0.15 < features["sentiment"]["largest_missing"] < 0.2
    assert features["reports"]["variety"] < 0.01


def test_knows_how_far_quiet_days_lie_apart(reference, quiet_days):
    """A weekend, the farthest day from the others, sets what is still quiet."""
    profile = reference["features"]["messages_sent"]
    days = quiet_days.groupby("as_of")["messages_sent"]
    counts = np.stack([bin_counts(profile, values) for _, values in days])
    farthest = max(
        jensen_shannon(counts[day], np.delete(counts, day, axis=0).sum(axis=0))
        for day in range(len(counts))
    )
    assert profile["quiet"] == pytest.approx(farthest)
    assert profile["quiet"] > 3 * reference["features"]["country"]["quiet"]


def test_the_order_of_rows_does_not_matter(reference, quiet_days, specs):
    """The same days in another order make the same reference."""
    mixed = quiet_days.sample(frac=1, random_state=1)
    importances = {"messages_sent": 6, "sentiment": 3, "country": 0.9, "reports": 0.1}
    again = build_reference(mixed, mixed["probability"], specs, importances)
    assert json.dumps(again["score"]) == json.dumps(reference["score"])
    for name, profile in again["features"].items():
        profile["weight"] = pytest.approx(profile["weight"])
        assert reference["features"][name] == profile


def test_without_importances_each_feature_matters_alike(quiet_days, specs):
    """A model that tells nothing of its features gives each the same weight."""
    built = build_reference(quiet_days, quiet_days["probability"], specs, {})
    assert {each["weight"] for each in built["features"].values()} == {0.2}


def test_a_feature_unknown_on_all_days_is_kept(quiet_days):
    """Nothing known is usual for it: no edges, no median, nothing to be far from."""
    frame = quiet_days.assign(empty=np.nan)
    spec = [FeatureSpec("empty", "numeric", "g", "d")]
    built = build_reference(frame, frame["probability"], spec, {})["features"]["empty"]
    assert (built["median"], built["missing"], built["quiet"]) == (None, 1.0, 0.0)
    json.dumps(built, allow_nan=False)


@pytest.mark.parametrize(
    ("spoil", "importances", "error"),
    [
        (lambda frame: frame.drop(columns="country"), {}, SchemaError),
        (lambda frame: frame.drop(columns="as_of"), {}, SchemaError),
        (lambda frame: frame.head(100), {}, NotEnoughDataError),
        (lambda frame: frame.head(0), {}, NotEnoughDataError),
        (lambda frame: frame, {"country": -1}, ConfigurationError),
        (lambda frame: frame, {"country": float("nan")}, ConfigurationError),
    ],
    ids=["no feature", "no day", "one day", "nobody", "negative importance", "no number"],
)
def test_refuses(quiet_days, specs, spoil, importances, error):
    """Two days at least, every column, importances of 0 or more."""
    frame = spoil(quiet_days)
    with pytest.raises(error):
        build_reference(frame, frame["probability"], specs, importances)


def test_refuses_scores_of_other_rows_and_a_feature_called_score(quiet_days):
    """One probability per row; the score's name is taken."""
    with pytest.raises(DataError, match="but scores"):
        build_reference(quiet_days, [0.5], [], {})
    named = [FeatureSpec("score", "numeric", "g", "d")]
    with pytest.raises(ConfigurationError, match="must not be called 'score'"):
        build_reference(quiet_days, quiet_days["probability"], named, {})
