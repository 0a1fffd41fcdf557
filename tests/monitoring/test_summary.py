"""A monitored day in one object: what moved, since when, and what moderators got."""

import json
from datetime import date

import pandas as pd
import pytest

from ucu_mlops.monitoring.summary import since


def history(letters):
    """Make a feature's states, oldest first (q, d or f)."""
    words = {"q": "quiet", "d": "drift", "f": "fault"}
    return pd.DataFrame(
        {
            "as_of": pd.date_range("2026-03-01", periods=len(letters)),
            "state": [words[letter] for letter in letters],
        }
    )


@pytest.mark.parametrize(
    ("letters", "first"),
    [("qqq", None), ("qqd", "2026-03-03"), ("dqdf", "2026-03-03"), ("dd", "2026-03-01")],
    ids=["quiet", "today", "after a pause", "always"],
)
def test_tells_since_when(letters, first):
    """The unbroken row of unquiet days up to today counts, whatever they were called."""
    assert since(history(letters)) == first


def test_is_json_and_tells_all(monitored):
    """Features with figures and ratio, the queue by source, the window's precision."""
    assert json.loads(json.dumps(monitored, allow_nan=False)) == monitored
    features = {each["name"]: each for each in monitored["features"]}
    assert features["messages_sent"]["state"] == "drift"
    assert features["messages_sent"]["ratio"] > 1
    assert features["messages_sent"]["since"] == "2026-03-23"
    assert features["sentiment"]["state"] == "fault"
    assert features["sentiment"]["ratio"] is None
    assert (features["country"]["state"], features["country"]["since"]) == ("quiet", None)
    assert monitored["queue"] == {"cases": {"model": 3, "exploration": 1}, "capacity": 60}
    assert monitored["as_of"] == date(2026, 3, 23).isoformat()
    assert (monitored["scored"], monitored["version"]) == (1_500, "2")
    assert monitored["precision"]["precision"] == 0.5


def test_an_empty_day_is_described_too(monitor, day):
    """Nobody active: no rows, no ratios, no queue, still an object."""
    empty = monitor(day(22).iloc[:0])
    assert (empty["scored"], empty["queue"]["cases"]) == (0, {})
    assert {each["state"] for each in empty["features"]} == {"fault"}
