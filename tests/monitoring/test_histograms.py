"""The warehouse counts what pandas counts, in every dialect, and far values keep their names."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zetasql.core.exceptions import ServerError

from ucu_mlops.monitoring.histograms import (
    counts_per_bin,
    day_histograms,
    outliers,
    watched_profiles,
)
from ucu_mlops.monitoring.reference import bin_counts
from ucu_mlops.quality.drift import bin_edges, histogram

NUMBERS = st.lists(
    st.one_of(
        st.floats(-1e300, 1e300),
        st.floats(-10, 10, width=32),
        st.integers(-3, 3).map(float),
        st.sampled_from([np.nan, np.inf, -np.inf, 0.1 + 0.2, 1 / 3, -0.0]),
    ),
    min_size=1,
    max_size=40,
)


def test_counts_as_pandas_does(reference, day, count):
    """Each bin of each feature and of the score holds what the reference's own count gives."""
    frame = day(22)
    found = count(reference, frame)
    assert found.groupby("name")["rows"].sum().eq(len(frame)).all()
    for name, profile in watched_profiles(reference).items():
        values = frame["probability" if name == "score" else name]
        counts, missing = counts_per_bin(found, name, len(profile["shares"]))
        assert counts.tolist() == bin_counts(profile, values).tolist()
        assert missing == values.isna().sum()


@settings(deadline=None, max_examples=50)
@given(NUMBERS, NUMBERS)
def test_no_double_falls_into_another_bin(usual, values):
    """Edges are compared as the doubles that they are, and what is no number is missing."""
    edges = bin_edges(usual)
    profile = {"kind": "numeric", "edges": edges.tolist(), "shares": [0] * (edges.size + 1)}
    reference = {"features": {"x": profile}, "score": profile}
    both = pd.DataFrame({"x": [*usual, *values], "probability": [*usual, *values]})
    table = ibis.memtable(both, schema=dict.fromkeys(both, "float64"))
    found = day_histograms(reference, table, table).execute()
    counts, missing = counts_per_bin(found, "x", edges.size + 1)
    assert counts.tolist() == histogram(both["x"], edges).tolist()
    assert missing == (~np.isfinite(both["x"])).sum()


def test_of_an_empty_day_there_is_nothing(reference, day, count):
    """No rows make no bins."""
    assert count(reference, day(22).head(0)).empty


def test_unwatched_features_are_not_counted(reference, day):
    """What nobody watches is not read: it need not even be there."""
    frame = day(22).drop(columns=["country", "as_of"])
    table = ibis.memtable(frame)
    found = day_histograms(reference, table, table, unwatched=["country"]).execute()
    assert set(found["name"]) == set(reference["features"]) - {"country"} | {"score"}


def test_outliers_keep_their_names(reference, day):
    """The farthest come first, no more of a feature than wanted; no nulls, no infinities."""
    frame = day(22).drop(columns="as_of").astype({"messages_sent": "float64"})
    frame.loc[[5, 7, 9, 11], "messages_sent"] = [900.0, 400.0, np.inf, np.nan]
    frame.loc[3, "sentiment"] = -50.0
    table = ibis.memtable(frame)
    found = outliers(reference, table, spans=1.0, limit=1).execute()
    assert found["entity_id"].tolist() == ["u5", "u3"]
    assert found["value"].tolist() == [900.0, -50.0]
    all_of_them = outliers(reference, table, spans=1.0, limit=9).execute()
    assert sorted(all_of_them["entity_id"]) == ["u3", "u5", "u7"]
    assert (all_of_them["spans"] >= 1).all()


def test_a_model_of_categories_has_no_outliers(reference, day):
    """No numbers, no rows, the same columns."""
    table = ibis.memtable(day(22).drop(columns="as_of"))
    words = {**reference, "features": {"country": reference["features"]["country"]}}
    words["score"] = {**reference["score"], "edges": []}
    found = outliers(words, table, spans=1.0, limit=9).execute()
    assert found.empty
    assert "entity_id" in found


def test_is_valid_in_bigquery(reference, bigquery):
    """BigQuery's own analyzer accepts histograms and outliers of numbers, words and truths."""
    kinds = {"entity_id": "string", "as_of": "date", "messages_sent": "int64"}
    kinds |= {"sentiment": "float64", "country": "string", "phone_verified": "boolean"}
    inputs = ibis.table(kinds | {"reports": "float64"}, name="inputs_scam")
    scores = ibis.table({"as_of": "date", "probability": "float64"}, name="scores")
    judge = bigquery([inputs, scores])
    day = ibis.date("2026-03-31")
    todays = inputs.filter(inputs["as_of"] == day), scores.filter(scores["as_of"] == day)
    for table in (
        day_histograms(reference, *todays),
        outliers(reference, todays[0], spans=1.0, limit=50),
    ):
        judge(str(ibis.to_sql(table, dialect="bigquery")))
    with pytest.raises(ServerError, match="Unrecognized name: nobody"):
        judge("SELECT nobody FROM inputs_scam")


def test_the_answer_does_not_grow_with_the_table(reference, day, count):
    """Ten times the users make ten times the counts, in as many rows."""
    frame = day(22)
    many = count(reference, pd.concat([frame] * 10, ignore_index=True))
    keys = ["name", "bin"]
    both = many.merge(count(reference, frame), on=keys, validate="one_to_one")
    assert (both["rows_x"] == 10 * both["rows_y"]).all()
    assert len(both) == len(many) < 150
