"""The bench of serving runs; how fast is for `python -m bench.serving` to say."""

import json

import pytest

from bench import serving


def test_a_tiny_run_says_of_each_goal_whether_it_holds(tmp_path):
    """Ours, the empty app and FastAPI are all asked, and each figure is complete."""
    results = tmp_path / "results.json"
    serving.main(["--seconds=0.3", "--repetitions=1", "--rows=2000", f"--results={results}"])
    figures = json.loads(results.read_text())
    assert [each["peer"] for each in figures] == list(serving.GOALS)
    for each in figures:
        assert each["ratio"] == pytest.approx(each["ours"] / each["theirs"])
        assert each["holds"] == (each["ratio"] >= each["goal"])
