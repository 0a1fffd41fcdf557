"""Challenger beside champion, once for each model.

``<model>.training_set`` → score_holdout → ``<model>.holdout_scores`` → evaluate
→ ``<model>.evaluation`` → plot_evaluation, list_metrics
→ ``<model>.evaluation_plot``, ``<model>.metrics``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.evaluation.nodes import evaluate, list_metrics, score_holdout
from ucu_mlops.pipelines.evaluation.plots import plot_evaluation


def create_pipeline(model: str) -> Pipeline:
    """Build the evaluation of a model: the same steps for each, in its namespace."""
    steps = [
        Node(
            score_holdout,
            inputs={
                "training_set": "training_set",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "rule": "rule",
                "options": "params:evaluation",
                "period": "params:period",
            },
            outputs="holdout_scores",
            name="score_holdout",
        ),
        Node(
            evaluate,
            inputs={
                "holdout_scores": "holdout_scores",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "rule": "rule",
                "options": "params:evaluation",
            },
            outputs="evaluation",
            name="evaluate",
        ),
        Node(
            list_metrics,
            inputs={"evaluation": "evaluation"},
            outputs="metrics",
            name="list_metrics",
        ),
        Node(
            plot_evaluation,
            inputs={"holdout_scores": "holdout_scores", "evaluation": "evaluation"},
            outputs="evaluation_plot",
            name="plot_evaluation",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        parameters={
            "params:period": "params:period",
            "params:evaluation": f"params:evaluation.{model}",
        },
        tags="group.evaluation",
    )
