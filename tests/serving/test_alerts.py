"""Alerts on servers ask only for metrics that there are."""

import re
from pathlib import Path

import yaml

from ucu_mlops.serving.metrics import Metrics

ALERTS = Path(__file__).parents[2] / "deploy/prometheus/serving.yml"


def test_every_metric_asked_for_exists():
    """A renamed metric would leave an alert that never fires."""
    names = re.findall(r"# TYPE (\w+) (\w+)", Metrics().text())
    there = {name + ("_sum" if kind == "histogram" else "") for name, kind in names}
    for rule in yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]:
        asked = set(re.findall(r"\bucu_\w+", rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= there
