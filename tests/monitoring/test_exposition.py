"""What Prometheus reads: conventional names, every figure once, nothing that is not known."""

import re
import shutil
import subprocess

import pytest

from ucu_mlops.monitoring.exposition import HELP, expose

KNOWN = {"estimate": 0.7, "low": 0.6, "high": 0.8}
NO_TRIAL = {"state": "none"}
UNKNOWN = {"estimate": None, "low": None, "high": None}


def samples(text):
    """Read the lines that are no comments, by name and labels."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_tells_the_day(monitored):
    """Queue, states, distances, recall and the end of the day in seconds."""
    found = samples(expose(monitored, KNOWN, {"state": "on_trial"}))
    assert found['ucu_queue_cases{model="scam",source="model"}'] == 3
    assert found['ucu_last_scored_day_timestamp_seconds{model="scam"}'] == 1_774_310_400
    assert found['ucu_decision_state{model="scam",action="data_fault"}'] == 1
    assert found['ucu_decision_state{model="scam",action="none"}'] == 0
    assert found['ucu_feature_state{model="scam",feature="sentiment",state="fault"}'] == 1
    assert found['ucu_feature_missing_ratio{model="scam",feature="sentiment"}'] == 1
    assert found['ucu_feature_threshold_ratio{model="scam",feature="messages_sent"}'] > 1
    assert found['ucu_recall_low_ratio{model="scam"}'] == 0.6
    assert found['ucu_probation_state{model="scam",state="on_trial"}'] == 1
    champion = 'version="2",kind="model",trained="2026-03-20"'
    assert found[f'ucu_champion_info{{model="scam",{champion}}}'] == 1


def test_what_is_not_known_has_no_line(monitored):
    """No recall, no distance of a feature without values: no numbers made up."""
    text = expose(monitored, UNKNOWN, NO_TRIAL)
    assert "recall" not in text
    assert 'ucu_feature_threshold_ratio{model="scam",feature="sentiment"}' not in text
    assert "nan" not in text.lower()


def test_each_metric_is_described_once_before_its_lines(monitored):
    """HELP and TYPE stand before a metric's lines, which stand together."""
    text = expose(monitored, KNOWN, NO_TRIAL)
    blocks = re.findall(r"# HELP (ucu_\w+) .+\n# TYPE \1 gauge\n((?:\1\{.+\} \S+\n)+)", text)
    assert [name for name, _ in blocks] == [f"ucu_{name}" for name in HELP]
    assert sum(lines.count("\n") for _, lines in blocks) == len(samples(text))


def test_labels_are_escaped(monitored):
    """Quotes and line ends in a name cannot end a label."""
    text = expose(monitored | {"version": 'a"b\\c\nd'}, UNKNOWN, NO_TRIAL)
    assert r'version="a\"b\\c\nd"' in text


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is missing")
def test_promtool_accepts_it(monitored):
    """Prometheus' own checker has nothing to say about format and names."""
    command = ["promtool", "check", "metrics"]
    text = expose(monitored, KNOWN, NO_TRIAL)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
