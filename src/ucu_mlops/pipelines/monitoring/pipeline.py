"""What was scored and decided to a decision, once for each model.

``<model>.scores`` → watch → ``<model>.drift`` → decide_action → ``<model>.decision``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.monitoring.nodes import decide_action, plot_drift, watch

SHARED = {"population", "feature_tables", "cases", "verdicts"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily watch of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            watch,
            inputs={
                "champion": "champion",
                "scores": "scores",
                "population": "population",
                "feature_tables": "feature_tables",
                "features": "params:features",
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
                "champion": "champion",
                "options": "params:decision",
                "period": "params:period",
            },
            outputs="decision",
            name="decide_action",
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
            "params:features": "params:features",
            "params:period": "params:period",
            "params:drift": f"params:drift.{model}",
            "params:decision": f"params:decision.{model}",
        },
        tags="group.scoring",
    )
