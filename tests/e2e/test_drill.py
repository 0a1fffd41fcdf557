"""A drill on a tiny platform: a broken feed is noticed, judged and told; no day is played twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from ucu_mlops.loop.drill import RESULT, DrillOptions, drill
from ucu_mlops.loop.drill_page import summary, write_drill

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)
OPTIONS = DrillOptions(model="scam", shift_day=3, days_after=2, window=2)


def play(checkout: Path) -> list[dict[str, Any]]:
    """Drill one kind of shift with one seed."""
    return list(drill(checkout, "test", OPTIONS, ["broken_feed"], [5]))


@pytest.fixture(scope="module")
def plays(checkout: Path) -> list[dict[str, Any]]:
    """Drill once."""
    return play(checkout)


def test_a_broken_feed_is_a_data_fault_on_its_first_day(plays):
    """Nobody's messages have a sentiment any more: alarm, and no retraining on it."""
    (found,) = plays
    assert (found["action"], found["days_to_action"], found["right"]) == ("data_fault", 0, True)
    assert (found["days_over_capacity"], found["duplicate_cases"]) == (0, 0)
    assert found["released_on"] is None


def test_what_is_done_is_not_played_again(plays, checkout):
    """With the judgement lost, the days that were played are only read; with it, not even that."""
    folder = checkout / "data/drill/broken_feed-5"
    warehouse = folder / "data/warehouse.duckdb"
    before = warehouse.stat().st_mtime_ns
    (folder / RESULT).unlink()
    assert play(checkout) == plays
    assert play(checkout) == plays
    assert warehouse.stat().st_mtime_ns == before


def test_the_drill_is_written_down(plays, tmp_path):
    """The file holds the judgements, the page a plot of each, the line what matters of it."""
    write_drill(plays, tmp_path)
    (told,) = json.loads((tmp_path / "drill.json").read_text(encoding="utf-8"))
    assert {"kind", "seed", "action", "days_to_action", "recall_before", "recall_oracle"} <= set(
        told
    )
    assert "broken_feed, seed 5" in (tmp_path / "drill.html").read_text(encoding="utf-8")
    assert summary(plays[0]).startswith("broken_feed, seed 5: data_fault 0 days later (right)")
