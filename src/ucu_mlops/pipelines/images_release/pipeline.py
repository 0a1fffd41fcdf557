"""Challenger beside champion on held-out pictures, to a move of the ledger.

``images.judged``, ``images.challenger``, ``images.incumbent`` → answer_holdout
→ ``images.holdout_scores`` → judge_images → ``images.gate`` → propose → ``images.champion``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.images_release.nodes import (
    answer_holdout,
    begin_with_readers,
    judge_images,
)
from ucu_mlops.release.moves import propose

PARAMETERS = {
    "params:period": "params:period",
    "params:gate": "params:gate.images",
    "params:images.store": "params:images.store",
}


def create_coldstart() -> Pipeline:
    """Build the step that lets the readers decide until there is a model."""
    step = Node(
        begin_with_readers,
        inputs={
            "shards": "shards",
            "uploads": "uploads",
            "labels": "params:images.labels",
            "store": "params:images.store",
            "reference": "params:reference",
            "period": "params:period",
        },
        outputs="incumbent",
        name="begin_with_readers",
    )
    parameters = {
        "params:period": "params:period",
        "params:reference": "params:reference.images",
        "params:images.labels": "params:images.labels",
        "params:images.store": "params:images.store",
    }
    return Pipeline(
        [step],
        namespace="images",
        inputs={"uploads"},
        parameters=parameters,
        tags={"group.images", "extra.images"},
    )


def create_pipeline() -> Pipeline:
    """Build the release of the image model."""
    steps = [
        Node(
            answer_holdout,
            inputs={
                "judged": "judged",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "shards": "evaluated_shards",
                "store": "params:images.store",
            },
            outputs="holdout_scores",
            name="answer_holdout",
        ),
        Node(
            judge_images,
            inputs={
                "holdout_scores": "holdout_scores",
                "robustness": "robustness",
                "decisions": "decisions",
                "experiment_verdicts": "experiment_verdicts",
                "challenger": "challenger",
                "incumbent": "incumbent",
                "options": "params:gate",
                "period": "params:period",
            },
            outputs="gate",
            name="judge_images",
        ),
        Node(propose, inputs={"gate": "gate"}, outputs="champion", name="propose"),
    ]
    return Pipeline(
        steps, namespace="images", parameters=PARAMETERS, tags={"group.images", "extra.images"}
    )
