"""A day's features to scores and a queue, once for each model.

``<model>.champion`` → assemble_inputs → ``<model>.inputs`` → score → ``<model>.scores``
→ choose_cases → ``<model>.chosen`` → explain_cases → ``<model>.queue`` → ``<model>.worklist``
"""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from ucu_mlops.bundle.scoring import score
from ucu_mlops.pipelines.scoring.nodes import (
    assemble_inputs,
    choose_cases,
    explain_scam_cases,
    list_for_moderators,
)

EXPLAINERS: dict[str, Callable[..., Any]] = {"scam": explain_scam_cases}
SHARED = {"population", "feature_tables", "cases", "verdicts"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily scoring of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            assemble_inputs,
            inputs={
                "champion": "champion",
                "population": "population",
                "feature_tables": "feature_tables",
                "features": "params:features",
                "options": "params:scoring",
                "period": "params:period",
            },
            outputs="inputs",
            name="assemble_inputs",
        ),
        Node(
            score,
            inputs={"champion": "champion", "inputs": "inputs", "period": "params:period"},
            outputs="scores",
            name="score",
        ),
        Node(
            choose_cases,
            inputs={
                "scores": "scores",
                "inputs": "inputs",
                "cases": "cases",
                "verdicts": "verdicts",
                "champion": "champion",
                "review": "params:review",
                "period": "params:period",
            },
            outputs="chosen",
            name="choose_cases",
        ),
        Node(
            EXPLAINERS[model],
            inputs={
                "chosen": "chosen",
                "inputs": "inputs",
                "cases": "cases",
                "features": "params:features",
                "champion": "champion",
                "period": "params:period",
            },
            outputs="queue",
            name="explain_cases",
        ),
        Node(
            list_for_moderators,
            inputs={"queue": "queue", "period": "params:period"},
            outputs="worklist",
            name="list_for_moderators",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        inputs=SHARED,
        parameters={
            "params:features": "params:features",
            "params:period": "params:period",
            "params:review": f"params:review.{model}",
            "params:scoring": f"params:scoring.{model}",
        },
        tags="group.scoring",
    )
