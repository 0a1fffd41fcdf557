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
    return Pipeline(
        [
            Node(
                label_cases,
                inputs={"cases": "cases", "verdicts": "verdicts", "period": "params:period"},
                outputs="scam.labels",
                name="label_scam_cases",
            ),
            Node(
                build_training_set,
                inputs={
                    "labels": "scam.labels",
                    "source_tables": "source_tables",
                    "features": "params:features",
                    "options": "params:training_set.scam",
                    "period": "params:period",
                },
                outputs="scam.training_set",
                name="build_scam_training_set",
            ),
            Node(
                train_candidate,
                inputs={
                    "training_set": "scam.training_set",
                    "features": "params:features",
                    "training_set_options": "params:training_set.scam",
                    "options": "params:training.scam",
                    "period": "params:period",
                },
                outputs="scam.candidate",
                name="train_scam_candidate",
            ),
        ],
        tags="group.training",
    )
