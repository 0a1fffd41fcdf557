"""Verdicts and events to a candidate.

``cases``, ``verdicts`` → label_cases → ``scam.labels`` → build_training_set
→ ``scam.training_set`` → train_candidate → ``scam.candidate``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_training.nodes import (
    build_training_set,
    label_cases,
    train_candidate,
)


def create_pipeline() -> Pipeline:
    """Build the training of the scam model, up to a candidate without review policy."""
    steps = [
        Node(
            label_cases,
            inputs={"cases": "cases", "verdicts": "verdicts", "period": "params:period"},
            outputs="labels",
            name="label_cases",
        ),
        Node(
            build_training_set,
            inputs={
                "labels": "labels",
                "source_tables": "source_tables",
                "features": "params:features",
                "incumbent": "incumbent",
                "rule": "rule",
                "options": "params:training_set",
                "period": "params:period",
            },
            outputs="training_set",
            name="build_training_set",
        ),
        Node(
            train_candidate,
            inputs={
                "training_set": "training_set",
                "features": "params:features",
                "training_set_options": "params:training_set",
                "options": "params:training",
                "period": "params:period",
            },
            outputs="candidate",
            name="train_candidate",
        ),
    ]
    return Pipeline(
        steps,
        namespace="scam",
        inputs={"cases", "verdicts", "source_tables"},
        parameters={
            "params:features": "params:features",
            "params:period": "params:period",
            "params:training_set": "params:training_set.scam",
            "params:training": "params:training.scam",
        },
        tags="group.training",
    )
