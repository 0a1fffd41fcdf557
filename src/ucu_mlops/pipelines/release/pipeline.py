"""The gate's verdict to a move of the ledger, once for each model.

``<model>.holdout_scores`` → judge → ``<model>.gate`` → propose → ``<model>.champion``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.release.nodes import judge, propose


def create_pipeline(model: str) -> Pipeline:
    """Build the release of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            judge,
            inputs={
                "holdout_scores": "holdout_scores",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "options": "params:gate",
                "period": "params:period",
            },
            outputs="gate",
            name="judge",
        ),
        Node(propose, inputs={"gate": "gate"}, outputs="champion", name="propose"),
    ]
    return Pipeline(
        steps,
        namespace=model,
        parameters={"params:period": "params:period", "params:gate": f"params:gate.{model}"},
        tags="group.evaluation",
    )
