"""What was scored and decided to a decision, once for each model.

``<model>.scores`` → watch → ``<model>.drift`` → decide_action → ``<model>.decision``
(``<model>.decisions`` are those of the days before)
``<model>.moves``, ``cases``, ``verdicts`` → watch_probation → ``<model>.probation``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.monitoring.nodes import (
    decide_action,
    plot_drift,
    watch,
    watch_probation,
)

SHARED = {"cases", "verdicts"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily watch of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            watch,
            inputs={
                "champion": "champion",
                "scores": "scores",
                "inputs": "inputs",
                "options": "params:drift",
                "period": "params:period",
            },
            outputs="drift",
            name="watch",
        ),
        Node(
            decide_action,
            inputs={
                "drift": "drift",
                "cases": "cases",
                "verdicts": "verdicts",
                "decisions": "decisions",
                "champion": "champion",
                "options": "params:decision",
                "period": "params:period",
            },
            outputs="decision",
            name="decide_action",
        ),
        Node(
            watch_probation,
            inputs={
                "moves": "moves",
                "cases": "cases",
                "verdicts": "verdicts",
                "decisions": "decisions",
                "champion": "champion",
                "options": "params:probation",
                "period": "params:period",
            },
            outputs="probation",
            name="watch_probation",
        ),
        Node(
            plot_drift,
            inputs={"drift": "drift", "period": "params:period"},
            outputs="drift_plot",
            name="plot_drift",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        inputs=SHARED,
        parameters={
            "params:period": "params:period",
            "params:drift": f"params:drift.{model}",
            "params:decision": f"params:decision.{model}",
            "params:probation": f"params:probation.{model}",
        },
        tags="group.scoring",
    )
