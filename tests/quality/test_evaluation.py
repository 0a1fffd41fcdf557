"""A report's curves, segments and intervals agree with a count by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.quality.evaluation import (
    EvaluationOptions,
    gain,
    lift,
    measure,
    reliability,
    segments_of,
)

OPTIONS = EvaluationOptions(
    capacity_share=0.2, segments={"country": [], "age": [7, 30]}, resamples=100
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Draw 600 days of 200 users: a model that ranks, a rule that guesses."""
    rng = np.random.default_rng(0)
    entity = np.repeat(np.arange(200), 3)
    label = (entity % 10 == 0).astype(int)
    return pd.DataFrame(
        {
            "entity_id": entity.astype(str),
            "label": label,
            "weight": rng.choice([1.0, 4.0], 600),
            "good": (0.1 + 0.5 * label + 0.3 * rng.random(600)).clip(0, 1),
            "guess": rng.random(600),
            "country": np.where(entity < 150, "UA", np.where(entity < 195, "PL", None)),
            "age": rng.choice([1.0, 7.0, 90.0, np.nan], 600),
        }
    )


def test_a_segments_shares_add_up_to_the_whole(rows):
    """The places are dealt to all rows; each segment says what they found in it."""
    report = measure(rows, "good", 0.5, OPTIONS)
    for by_segment in report["segments"].values():
        assert sum(each["rows"] for each in by_segment.values()) == len(rows)
        assert sum(each["positives"] for each in by_segment.values()) == rows["label"].sum()
        weights = rows["label"] * rows["weight"]
        for name, edges in OPTIONS.segments.items():
            share = weights.groupby(segments_of(rows[name], edges)).sum() / weights.sum()
            found = sum(
                (each["recall_at_capacity"] or 0) * share[segment]
                for segment, each in report["segments"][name].items()
            )
            assert found == pytest.approx(report["metrics"]["recall_at_capacity"])


def test_small_segments_are_shown_and_called_small(rows):
    """The fifteen rows without a country are reported, and marked."""
    countries = measure(rows, "good", 0.5, OPTIONS)["segments"]["country"]
    assert {name: each["small"] for name, each in countries.items()} == {
        "UA": False, "PL": False, "unknown": True
    }  # fmt: skip


def test_numbers_fall_between_the_edges_that_are_named():
    """An edge belongs to the segment that begins with it; a null is called unknown."""
    named = segments_of(pd.Series([0.0, 7.0, 29.9, 30.0, np.nan]), [7, 30])
    assert named.tolist() == ["< 7", "7 to 30", "7 to 30", ">= 30", "unknown"]


def test_intervals_hold_the_figure_and_tell_models_apart(rows):
    """The gain of a model over a guess is surely positive, and is that of their recalls."""
    good, guess = (measure(rows, name, 0.5, OPTIONS) for name in ("good", "guess"))
    for report in (good, guess):
        for name, found in report["intervals"].items():
            assert found["low"] <= found["mid"] <= found["high"]
            assert found["mid"] == report["metrics"][name]
    found = gain(rows, "good", "guess", OPTIONS)
    assert found["low"] > 0.3
    recalls = [each["metrics"]["recall_at_capacity"] for each in (good, guess)]
    assert found["mid"] == pytest.approx(recalls[0] - recalls[1])


def test_reliability_is_counted_by_hand():
    """Two bins: promised 0.15 and true 1 of weight 4 in 5; promised 0.9 and true all."""
    labels, scores = np.array([0, 1, 1]), np.array([0.15, 0.15, 0.9])
    bins = reliability(labels, scores, np.array([1.0, 4.0, 1.0]))
    assert [each["true"] for each in bins] == pytest.approx([0.8, 1])
    assert [each["promised"] for each in bins] == pytest.approx([0.15, 0.9])
    assert [each["rows"] for each in bins] == [2, 1]


def test_lift_ends_at_one():
    """The best tenth holds ten times the usual share; all rows hold the usual share."""
    labels = np.array([1] + [0] * 9)
    steps = lift(labels, np.linspace(0.9, 0.1, 10), np.ones(10))
    assert (steps[0]["lift"], steps[-1]["lift"]) == pytest.approx((10, 1))
    assert [each["share"] for each in steps] == pytest.approx(np.arange(1, 11) / 10)


def test_one_class_is_refused(rows):
    """Nothing is made up where there is no positive."""
    with pytest.raises(NotEnoughDataError):
        measure(rows.assign(label=0), "good", 0.5, OPTIONS)


def test_too_few_positives_have_a_figure_and_no_interval(rows):
    """Of three users one positive and one negative count: most resamples lack one of them."""
    few = rows.head(3).assign(label=[1, 0, 0], weight=[1.0, 1.0, 0.0], entity_id=["a", "b", "c"])
    many = replace(OPTIONS, resamples=1_000)
    measured = measure(few, "good", 0.5, many)
    assert measured["metrics"]["recall_at_capacity"] is not None
    found = [measured["intervals"]["recall_at_capacity"], gain(few, "good", "guess", many)]
    assert found == [None, None]


@pytest.mark.parametrize("wrong", [{"capacity_share": 0}, {"segments": {"age": [30, 7]}}], ids=str)
def test_options_refuse(wrong):
    """The message names the parameter."""
    with pytest.raises(ConfigurationError, match=f"evaluation.{next(iter(wrong))}"):
        EvaluationOptions(**wrong)
