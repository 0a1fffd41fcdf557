"""Alerts and dashboard ask only for metrics that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ucu_mlops.loop.inbox import ACTION
from ucu_mlops.monitoring.exposition import HELP

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "ucu-mlops.json"
promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool (Debian: prometheus) is missing"
)
BAD = {
    'ucu_decision_state{model="scam",action="data_fault"}': 1,
    'ucu_decision_state{model="scam",action="retrain"}': 0,
    'ucu_feature_state{model="scam",feature="sentiment",state="fault"}': 1,
    'ucu_feature_threshold_ratio{model="scam",feature="links"}': 2,
    'ucu_feature_weight_ratio{model="scam",feature="links"}': 0.2,
    'ucu_feature_threshold_ratio{model="scam",feature="trifle"}': 9,
    'ucu_feature_weight_ratio{model="scam",feature="trifle"}': 0.01,
    'ucu_queue_cases{model="scam",source="model"}': 50,
    'ucu_queue_cases{model="scam",source="exploration"}': 11,
    'ucu_queue_capacity_cases{model="scam"}': 60,
    'ucu_breaker_open{model="scam"}': 1,
    'ucu_probation_state{model="scam",state="failed"}': 1,
    'ucu_recall_ratio{model="scam"}': 0.9,  # and so it was four weeks ago
    'ucu_recall_high_ratio{model="scam"}': 0.4,
    'ucu_last_scored_day_timestamp_seconds{model="scam"}': 0,
}


def asked(text):
    """Name the metrics that an expression asks for."""
    return set(re.findall(r"\bucu_\w+", text))


def expressions(dashboard):
    """Return every expression of the dashboard."""
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*panels, *(each["expr"] for each in dashboard["annotations"]["list"])]


def test_every_metric_asked_for_exists():
    """A renamed metric would leave an alert that never fires and an empty panel."""
    there = {f"ucu_{name}" for name in HELP}
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    for rule in rules:
        assert asked(rule["expr"]), rule["alert"]
        assert asked(rule["expr"]) <= there
    dashboard = json.loads(DASHBOARD.read_text())
    assert set().union(*map(asked, expressions(dashboard))) <= there
    assert asked(json.dumps(dashboard["templating"])) <= there


def test_an_alert_that_asks_for_a_training_is_one_that_the_listener_takes():
    """The label that `kedro loop listen` acts on is set where a training helps, and only there."""
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    asking = [rule["alert"] for rule in rules if rule["labels"].get("action") == ACTION]
    assert asking == ["UcuRecallFell"]


def test_every_metric_is_shown():
    """What is exported and not drawn would be looked for in vain."""
    shown = set().union(*map(asked, expressions(json.loads(DASHBOARD.read_text()))))
    by_panels = {f"ucu_{name}" for name in HELP} - shown
    assert by_panels == {"ucu_feature_distance_ratio"}  # the same over its threshold is drawn


def test_panels_do_not_cover_each_other():
    """Each cell of the grid belongs to one panel at most."""
    cells = [
        (panel["gridPos"]["x"] + right, panel["gridPos"]["y"] + down)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for right in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(right for right, _ in cells) < 24


@promtool
def test_promtool_accepts_the_rules():
    """Prometheus' own checker can read every rule."""
    command = ["promtool", "check", "rules", str(ALERTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@promtool
def test_a_bad_day_alarms_and_a_good_one_does_not(tmp_path):
    """By Prometheus' own evaluation: each alert fires on what it is for, none on a good day."""
    good = dict.fromkeys(BAD, 0) | {'ucu_queue_capacity_cases{model="scam"}': 60}
    good['ucu_recall_high_ratio{model="scam"}'] = 0.9
    bad_alerts = {
        "UcuScoringStale",
        "UcuDataFault",
        "UcuFeatureBroken",
        "UcuFeatureDrifts",
        "UcuQueueOverCapacity",
        "UcuBreakerOpen",
        "UcuProbationFailed",
        "UcuRecallFell",
    }
    assert firing(tmp_path, BAD, "33d") == bad_alerts
    assert firing(tmp_path, good, "1d") == set()
    assert firing(tmp_path, good, "2d") == {"UcuScoringStale"}


def firing(folder, values, at):
    """Let Prometheus evaluate the rules on constant series and name the alerts that fire."""
    names = [rule["alert"] for rule in yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]]
    found = set()
    for name in names:
        test = {
            "rule_files": [str(ALERTS)],
            "evaluation_interval": "1h",
            "tests": [
                {
                    "interval": "1h",
                    "input_series": [
                        {"series": series, "values": f"{value}x800"}
                        for series, value in values.items()
                    ],
                    "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": []}],
                }
            ],
        }
        path = folder / "test.yml"
        path.write_text(yaml.safe_dump(test))
        command = ["promtool", "test", "rules", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 1}, done.stderr
        if done.returncode:
            assert "exp:[" in done.stderr + done.stdout
            found.add(name)
    return found
