"""The page of a day: what moved stands first, and it needs nothing from elsewhere."""

import json
import re

import pandas as pd
import pytest

from ucu_mlops.monitoring.page import draw_page
from ucu_mlops.monitoring.plots import bin_names, distances_over_days, moved_histograms

UNKNOWN = {"estimate": None, "low": None, "high": None}
OUTLIERS = pd.DataFrame(
    [("messages_sent", "<u7>", 900.0, -1e-9, 17.0, 52.0)],
    columns=["name", "entity_id", "value", "low", "high", "spans"],
)


@pytest.fixture
def page(monitored, drift_of, bad_day, count, reference):
    """Return the page of the day on which one feature moved and another is gone."""
    as_of = bad_day["as_of"].iloc[0]
    decisions = pd.DataFrame(
        {
            "as_of": pd.to_datetime([as_of, "2026-03-22", "2026-03-24"]),
            "action": ["data_fault", "none", "retrain"],
            "reasons": [json.dumps([why]) for why in ("A feed <broke>.", "All quiet.", "Later.")],
        }
    )
    return draw_page(
        monitored,
        drift_of(bad_day, as_of),
        count(reference, bad_day),
        decisions,
        OUTLIERS,
        reference=reference,
        recall=UNKNOWN,
    )


def test_what_broke_and_moved_stands_first(page):
    """Faults, then drift; what is quiet is only among all watched."""
    first = page.partition("What moved")[2].partition("</table>")[0]
    named = re.findall(r"<tr><td>(\w+)</td>", first)
    assert named == ["sentiment", "messages_sent"]
    rest = page.partition("<details>")[2]
    assert len(re.findall(r"<tr><td>(\w+)</td>", rest)) == 6


def test_needs_nothing_from_elsewhere(page):
    """No script, style or picture is fetched, and names of users and reasons are escaped."""
    bare = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)\s*=", bare)
    assert not re.search(r"<script[^>]+src=", page)
    assert "&lt;u7&gt;" in bare
    assert "A feed &lt;broke&gt;." in bare


def test_later_decisions_are_not_told(page):
    """The page of an old day is the page of that day."""
    assert "All quiet." in page
    assert "Later." not in page


def test_a_quiet_day_has_a_page_too(monitor, drift_of, day, count, reference):
    """Nothing moved: the nearest to an alarm are shown, and no outliers."""
    frame = day(22)
    as_of = frame["as_of"].iloc[0]
    drift, histograms = drift_of(frame, as_of), count(reference, frame)
    decisions = pd.DataFrame({"as_of": [], "action": [], "reasons": []})
    quiet = draw_page(
        monitor(frame),
        drift,
        histograms,
        decisions,
        OUTLIERS.head(0),
        reference=reference,
        recall={"estimate": 0.7, "low": 0.6, "high": 0.8},
    )
    assert "Nothing moved; what came nearest to an alarm" in quiet
    assert "60% to 80%, from exploration" in quiet
    assert "No value lies far outside" in quiet


def test_draws_reference_beside_the_day(monitored, count, bad_day, reference):
    """Two bars per bin whose shares sum to one, where there are values."""
    features = [each for each in monitored["features"] if each["name"] == "messages_sent"]
    usual, today = moved_histograms(features, count(reference, bad_day), reference).data
    assert sum(usual.y) == pytest.approx(1)
    assert sum(today.y) == pytest.approx(1)
    assert list(usual.x) == list(today.x) == bin_names(reference["features"]["messages_sent"])


def test_bins_have_names_of_their_own():
    """Edges that look alike in three digits are still different bars."""
    names = bin_names({"kind": "numeric", "edges": [1.0001, 1.0002, 1.0003, 2.0]})
    assert len(set(names)) == len(names) == 5
    assert bin_names({"kind": "categorical", "categories": ["UA"]}) == ["UA", "other"]
    assert bin_names({"kind": "numeric", "edges": []}) == ["any"]


def test_a_row_per_feature_a_column_per_day(monitored, drift_of, bad_day, day):
    """The last days only, the farthest feature on top, faults crossed."""
    drift = pd.concat(
        [drift_of(day(20), day(20)["as_of"].iloc[0]), drift_of(bad_day, bad_day["as_of"].iloc[0])]
    )
    heat, faults = distances_over_days(drift, monitored, days=30).data
    assert list(heat.x) == ["2026-03-21", "2026-03-23"]
    assert heat.y[-1] == "messages_sent"
    assert (list(faults.y), list(faults.x)) == (["sentiment"], ["2026-03-23"])
    assert len(distances_over_days(drift, monitored, days=1).data[0].x) == 1
