"""The bench of serving runs; how fast is for `python -m bench.serving` to say."""

import json

import pytest

from bench import serving


def test_a_tiny_run_says_of_each_goal_whether_it_holds(tmp_path):
    """Ours and each peer are asked, given and looked up, and each figure is complete."""
    results = tmp_path / "results.json"
    size = ["--seconds=0.3", "--repetitions=1", "--rows=2000", "--users=500"]
    serving.main([*size, f"--results={results}"])
    figures = json.loads(results.read_text())
    given = [peer for peer in serving.GIVEN_GOALS if peer != serving.MLSERVER]
    assert [each["peer"] for each in figures] == [*given, serving.NOTHING, "p99"]
    for each in figures:
        assert each["ratio"] == pytest.approx(each["ours"] / each["theirs"])
        assert each["holds"] == (each["ratio"] >= each["goal"])
