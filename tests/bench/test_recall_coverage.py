"""The estimated recall is held against the hidden truth, with the real queue and moderators."""

import json

import pytest

from bench.recall_coverage import main

# A sixth of the default size, so that it takes seconds.
SMALL = ["--honest=2000", "--scammers=60", "--joining=8", "--seeds=2", "--windows=2"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Measure four windows."""
    file = tmp_path_factory.mktemp("coverage") / "results.jsonl"
    main([*SMALL, f"--results={file}"])
    return file


def test_the_truth_lies_in_most_intervals(results):
    """Of four windows at least three intervals hold the truth, none is the whole of 0..1."""
    windows = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(windows) == 4
    held = [each["low"] <= each["truth"] <= each["high"] for each in windows]
    assert sum(held) >= 3
    assert max(each["high"] - each["low"] for each in windows) < 0.7
    assert min(each["naive"] - each["truth"] for each in windows) > 0.2


def test_a_stopped_measurement_goes_on(results, capsys):
    """Seeds that are in the results are not played again, and the summary counts their windows."""
    before = results.read_text()
    main([*SMALL, f"--results={results}"])
    assert results.read_text() == before
    said = capsys.readouterr().out
    assert said.startswith("4 windows, 0 without an estimate")
    assert "90 % interval holds the truth in" in said
