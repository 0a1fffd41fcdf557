"""The gate's verdict to a move of the ledger, once for each model.

``<model>.challenger``, ``<model>.incumbent`` → time_scoring → ``<model>.latency``
``<model>.holdout_scores``, ``<model>.latency``, ``<model>.experiment_verdicts`` → judge
→ ``<model>.gate`` → propose → ``<model>.champion``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.release.nodes import judge, time_scoring
from ucu_mlops.release.moves import propose


def create_pipeline(model: str) -> Pipeline:
    """Build the release of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            time_scoring,
            inputs={"challenger": "challenger", "incumbent": "incumbent"},
            outputs="latency",
            name="time_scoring",
        ),
        Node(
            judge,
            inputs={
                "holdout_scores": "holdout_scores",
                "latency": "latency",
                "decisions": "decisions",
                "experiment_verdicts": "experiment_verdicts",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "options": "params:gate",
                "evaluation": "params:evaluation",
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
        parameters={
            "params:period": "params:period",
            "params:gate": f"params:gate.{model}",
            "params:evaluation": f"params:evaluation.{model}",
        },
        tags="group.evaluation",
    )
