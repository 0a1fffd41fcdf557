"""A monitored day as metrics, in the text format that Prometheus' node exporter collects.

``<model>.monitoring`` → HELP, TYPE and a line per label set, base units, one gauge per state
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

ACTIONS = ("none", "retrain", "data_fault")
STATES = ("quiet", "drift", "fault")
TRIALS = ("none", "on_trial", "passed", "untested", "failed")

HELP = {
    "champion_info": "The version in charge of the last scored day; always 1.",
    "last_scored_day_timestamp_seconds": "End of the last scored day.",
    "scored_entities": "Entities scored on that day.",
    "queue_cases": "Cases that the day put before moderators, by source.",
    "queue_capacity_cases": "Cases that moderators can check a day.",
    "queue_precision_ratio": "Share of violations among the model's decided cases of the window.",
    "queue_decided_cases": "Decided cases of that window.",
    "decision_state": "What monitoring decided: 1 for the action that holds, else 0.",
    "breaker_open": "1 while retraining has been given up and people are called.",
    "outlier_values": "Values of the day far outside what the reference has seen.",
    "feature_state": "1 for the state that the feature or the score is in, else 0.",
    "feature_distance_ratio": "Jensen-Shannon distance from the reference, 0 to 1.",
    "feature_threshold_ratio": "That distance by its alarm threshold: above 1 is drift.",
    "feature_missing_ratio": "Share of entities without a value.",
    "feature_unseen_ratio": "Share of values in categories that the reference does not know.",
    "feature_outside_ratio": "Share of values outside the reference's range.",
    "feature_weight_ratio": "Share of the model's importances; 1 for the score.",
    "recall_ratio": "Estimated recall over the window, from exploration.",
    "recall_low_ratio": "Lower end of its interval.",
    "recall_high_ratio": "Upper end of its interval.",
    "probation_state": "State of the version's probation: 1 for the one that holds, else 0.",
}
PER_FEATURE = {
    "feature_distance_ratio": "measure",
    "feature_threshold_ratio": "ratio",
    "feature_missing_ratio": "missing_share",
    "feature_unseen_ratio": "unseen_share",
    "feature_outside_ratio": "outside_share",
    "feature_weight_ratio": "weight",
}
RECALL = {"recall_ratio": "estimate", "recall_low_ratio": "low", "recall_high_ratio": "high"}

Sample = tuple[str, dict[str, str], float | None]


def expose(day: Mapping[str, Any], recall: Mapping[str, Any], probation: Mapping[str, Any]) -> str:
    """Write a day's metrics.

    Args:
        day: What :func:`ucu_mlops.monitoring.summary.summarize` gave.
        recall: ``estimate``, ``low`` and ``high``; null where there is too little to go on.
        probation: ``state``: ``none``, ``on_trial``, ``passed``, ``untested`` or ``failed``.

    Returns:
        Text in Prometheus' format. What is not known has no line.

    References:
        https://prometheus.io/docs/instrumenting/exposition_formats/ and .../practices/naming/
    """
    samples = list(_samples(day, recall, probation))
    lines: list[str] = []
    for name, help_text in HELP.items():
        own = [(labels, value) for each, labels, value in samples if each == name]
        known = [(labels, value) for labels, value in own if value is not None]
        if known:
            lines += [f"# HELP ucu_{name} {help_text}", f"# TYPE ucu_{name} gauge"]
            lines += [
                f"ucu_{name}{{{_labels({'model': day['model'], **labels})}}} {value:.17g}"
                for labels, value in known
            ]
    return "\n".join([*lines, ""])


def _samples(
    day: Mapping[str, Any], recall: Mapping[str, Any], probation: Mapping[str, Any]
) -> Iterator[Sample]:
    champion = {name: str(day[name]) for name in ("version", "kind", "trained")}
    yield "champion_info", champion, 1.0
    ended = date.fromisoformat(day["as_of"]) + timedelta(days=1)
    moment = datetime.combine(ended, time.min, UTC).timestamp()
    yield "last_scored_day_timestamp_seconds", {}, moment
    yield "scored_entities", {}, day["scored"]
    for source, cases in sorted(day["queue"]["cases"].items()):
        yield "queue_cases", {"source": source}, cases
    yield "queue_capacity_cases", {}, day["queue"]["capacity"]
    window = day["precision"] or {}
    yield "queue_precision_ratio", {}, window.get("precision")
    yield "queue_decided_cases", {}, window.get("decided")
    yield from _one_of("decision_state", "action", ACTIONS, day["action"])
    yield "breaker_open", {}, float(day["breaker"] == "open")
    yield "outlier_values", {}, day["outliers"]
    for feature in day["features"]:
        label = {"feature": feature["name"]}
        for name, key in PER_FEATURE.items():
            yield name, label, feature[key]
        for name, labels, value in _one_of("feature_state", "state", STATES, feature["state"]):
            yield name, label | labels, value
    for name, key in RECALL.items():
        yield name, {}, recall[key]
    yield from _one_of("probation_state", "state", TRIALS, probation["state"])


def _one_of(name: str, label: str, choices: tuple[str, ...], chosen: str) -> Iterator[Sample]:
    for choice in choices:
        yield name, {label: choice}, float(choice == chosen)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
