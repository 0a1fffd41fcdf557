"""The version just trained, on pictures it has not learnt from.

``uploads``, ``images.evaluated_stored`` → store_pictures → ``images.evaluated_shards``,
``images.evaluated_quarantine``
``images.challenger``, ``images.evaluated_shards`` → judge_pictures → ``images.judged``
→ evaluate_pictures → ``images.evaluation``; measure_bearing → ``images.robustness``;
draw_mistakes, plots, list_metrics
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.images.evaluation import list_metrics
from ucu_mlops.images.storing import store_pictures
from ucu_mlops.pipelines.images_evaluation.nodes import (
    draw_mistakes,
    evaluate_pictures,
    judge_pictures,
    measure_bearing,
    plot_bearing,
    plot_curves,
)


def create_pipeline() -> Pipeline:
    """Build the evaluation of the image model."""
    judging = [
        Node(
            store_pictures,
            inputs={
                "uploads": "uploads",
                "stored": "evaluated_stored",
                "store": "params:images.store",
                "period": "params:period",
            },
            outputs=["evaluated_shards", "evaluated_quarantine"],
            name="store_evaluated_pictures",
        ),
        Node(
            judge_pictures,
            inputs={
                "challenger": "challenger",
                "shards": "evaluated_shards",
                "uploads": "uploads",
                "image_labels": "image_labels",
                "training_set": "training_set",
                "evaluated": "params:images.evaluated",
                "store": "params:images.store",
                "period": "params:period",
            },
            outputs="judged",
            name="judge_pictures",
        ),
        Node(
            evaluate_pictures,
            inputs={
                "judged": "judged",
                "challenger": "challenger",
                "options": "params:images.evaluation",
            },
            outputs="evaluation",
            name="evaluate_pictures",
        ),
        Node(
            measure_bearing,
            inputs={
                "judged": "judged",
                "challenger": "challenger",
                "shards": "evaluated_shards",
                "options": "params:images.robustness",
                "evaluated": "params:images.evaluated",
            },
            outputs="robustness",
            name="measure_bearing",
        ),
    ]
    telling = [
        Node(
            draw_mistakes,
            inputs={
                "judged": "judged",
                "evaluation": "evaluation",
                "challenger": "challenger",
                "shards": "evaluated_shards",
            },
            outputs="mistakes_page",
            name="draw_mistakes",
        ),
        Node(
            plot_curves,
            inputs={"judged": "judged", "evaluation": "evaluation", "challenger": "challenger"},
            outputs="evaluation_plot",
            name="plot_curves",
        ),
        Node(
            plot_bearing,
            inputs={"robustness": "robustness"},
            outputs="robustness_plot",
            name="plot_bearing",
        ),
        Node(
            list_metrics,
            inputs={"evaluation": "evaluation"},
            outputs="metrics",
            name="list_metrics",
        ),
    ]
    shared = ("store", "evaluated", "evaluation", "robustness")
    return Pipeline(
        [*judging, *telling],
        namespace="images",
        inputs={"uploads", "image_labels"},
        parameters={
            "params:period": "params:period",
            **{f"params:images.{name}": f"params:images.{name}" for name in shared},
        },
        tags={"group.images", "extra.images"},
    )
