"""The benchmarks run; how fast is for `make bench` to say."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_tiny_run_says_of_each_goal_whether_it_holds(tmp_path):
    """Everybody computes the same, and each figure in the results is complete."""
    results = tmp_path / "results.json"
    options = ["--scale=0.0005", "--repetitions=1", f"--data={tmp_path}", f"--results={results}"]
    command = [sys.executable, "-m", "bench", *options, "--only=features of one day"]
    subprocess.run(command, check=True, cwd=ROOT)
    figures = json.loads(results.read_text())
    assert {each["peer"] for each in figures} >= {"pandas", "hand-written DuckDB"}
    for each in figures:
        assert each["ratio"] > 0
        assert isinstance(each["goal"], float)
        assert each["holds"] == (
            each["ratio"] >= each["goal"]
            and (each["memory_ratio"] or 0.0) >= (each["memory_goal"] or 0.0)
        )
