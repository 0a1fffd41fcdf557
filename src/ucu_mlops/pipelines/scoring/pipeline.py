"""A day's entities to scores and a queue, once for each model.

``<model>.champion`` → assemble → ``<model>.inputs`` → score → ``<model>.scores``
→ choose_cases → ``<model>.chosen`` → explain_cases → ``<model>.queue`` → ``<model>.worklist``
(what a model does in its own way: assemble, score, explain)
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.bundle.scoring import score
from ucu_mlops.pipelines.scoring.images import (
    assemble_image_inputs,
    explain_image_cases,
    score_images,
)
from ucu_mlops.pipelines.scoring.nodes import (
    assemble_inputs,
    choose_cases,
    explain_scam_cases,
    list_for_moderators,
)

SHARED = {"cases", "verdicts"}
CHAMPION, PERIOD = {"champion": "champion"}, {"period": "params:period"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily scoring of a model: the same steps for each, in its namespace."""
    own, shared, parameters, tags = OWN_STEPS[model]
    steps = [
        *own,
        Node(
            choose_cases,
            inputs=CHAMPION
            | PERIOD
            | {
                "scores": "scores",
                "inputs": "inputs",
                "cases": "cases",
                "verdicts": "verdicts",
                "review": "params:review",
            },
            outputs="chosen",
            name="choose_cases",
        ),
        Node(
            list_for_moderators,
            inputs=PERIOD | {"queue": "queue"},
            outputs="worklist",
            name="list_for_moderators",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        inputs=SHARED | shared,
        parameters={
            "params:period": "params:period",
            "params:review": f"params:review.{model}",
            **parameters,
        },
        tags=tags,
    )


SCAM = [
    Node(
        assemble_inputs,
        inputs=CHAMPION
        | PERIOD
        | {
            "population": "population",
            "feature_tables": "feature_tables",
            "features": "params:features",
            "options": "params:scoring",
        },
        outputs="inputs",
        name="assemble_inputs",
    ),
    Node(score, inputs=CHAMPION | PERIOD | {"inputs": "inputs"}, outputs="scores", name="score"),
    Node(
        explain_scam_cases,
        inputs=CHAMPION
        | PERIOD
        | {"chosen": "chosen", "inputs": "inputs", "cases": "cases", "features": "params:features"},
        outputs="queue",
        name="explain_cases",
    ),
]
IMAGES = [
    Node(
        assemble_image_inputs,
        inputs=PERIOD | {"shards": "shards", "uploads": "uploads"},
        outputs="inputs",
        name="assemble_inputs",
    ),
    Node(
        score_images,
        inputs=CHAMPION
        | PERIOD
        | {"inputs": "inputs", "shards": "shards", "store": "params:images.store"},
        outputs="scores",
        name="score",
    ),
    Node(
        explain_image_cases,
        inputs=CHAMPION | {"chosen": "chosen", "shards": "shards"},
        outputs="queue",
        name="explain_cases",
    ),
]
OWN_STEPS = {
    "scam": (
        SCAM,
        {"population", "feature_tables"},
        {"params:features": "params:features", "params:scoring": "params:scoring.scam"},
        {"group.scoring"},
    ),
    "images": (
        IMAGES,
        {"uploads"},
        {"params:images.store": "params:images.store"},
        {"group.images", "extra.images"},
    ),
}
