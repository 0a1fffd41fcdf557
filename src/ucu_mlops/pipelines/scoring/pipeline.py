"""A day's features to scores and a queue, once for each model.

``<model>.champion`` → score → ``<model>.scores`` → choose_cases → ``<model>.chosen``
→ explain → ``<model>.queue``
"""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scoring.nodes import choose_cases, explain_scam_cases, score

EXPLAINERS: dict[str, Callable[..., Any]] = {"scam": explain_scam_cases}
SHARED = {"population", "feature_tables", "cases", "verdicts"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily scoring of a model: the same steps for each, in its namespace."""
    features = {
        "population": "population",
        "feature_tables": "feature_tables",
        "features": "params:features",
        "period": "params:period",
    }
    steps = [
        Node(
            score,
            inputs={"champion": "champion", **features},
            outputs="scores",
            name="score",
        ),
        Node(
            choose_cases,
            inputs={
                "scores": "scores",
                "cases": "cases",
                "verdicts": "verdicts",
                "champion": "champion",
                "review": "params:review",
                "options": "params:scoring",
                **features,
            },
            outputs="chosen",
            name="choose_cases",
        ),
        Node(
            EXPLAINERS[model],
            inputs={"chosen": "chosen", "champion": "champion", **features},
            outputs="queue",
            name="explain_cases",
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
