"""Stored pictures and their labels to a challenger.

``uploads``, ``image_labels``, ``cases``, ``verdicts``, ``images.shards`` → build_training_set
→ ``images.training_set``
draw_training_pictures → ``images.drawn``
→ train_candidate (tune_champion, on from ``images.incumbent``) → ``images.candidate``
→ complete_candidate → ``images.challenger``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.images_training.completion import complete_candidate
from ucu_mlops.pipelines.images_training.drawing import draw_training_pictures
from ucu_mlops.pipelines.images_training.nodes import (
    build_training_set,
    train_candidate,
    tune_champion,
)


def create_pipeline() -> Pipeline:
    """Build the training of the image model anew, up to a challenger."""
    return _around(TRAIN, ())


def create_retraining() -> Pipeline:
    """Build the training that goes on from the champion's weights, up to a challenger."""
    return _around(TUNE, ("tuning",))


TRAINED = {
    "shards": "shards",
    "training_set": "training_set",
    "drawn": "drawn",
    "checkpoints": "checkpoints",
    "labels": "params:images.labels",
    "model": "params:images.model",
    "drawing": "params:images.drawn",
    "period": "params:period",
}
TRAIN = Node(train_candidate, inputs=TRAINED, outputs="candidate", name="train_candidate")
TUNE = Node(
    tune_champion,
    inputs=TRAINED | {"incumbent": "incumbent", "tuning": "params:images.tuning"},
    outputs="candidate",
    name="tune_champion",
)


def _around(training: Node, more: tuple[str, ...]) -> Pipeline:
    steps = [
        Node(
            build_training_set,
            inputs={
                "shards": "shards",
                "uploads": "uploads",
                "image_labels": "image_labels",
                "cases": "cases",
                "verdicts": "verdicts",
                "labels": "params:images.labels",
                "split": "params:images.split",
                "period": "params:period",
            },
            outputs="training_set",
            name="build_training_set",
        ),
        Node(
            draw_training_pictures,
            inputs={
                "labels": "params:images.labels",
                "store": "params:images.store",
                "options": "params:images.drawn",
            },
            outputs="drawn",
            name="draw_training_pictures",
        ),
        training,
        Node(
            complete_candidate,
            inputs={
                "candidate": "candidate",
                "shards": "shards",
                "uploads": "uploads",
                "training_set": "training_set",
                "drawn": "drawn",
                "model": "params:images.model",
                "store": "params:images.store",
                "reference": "params:reference",
                "period": "params:period",
            },
            outputs="challenger",
            name="complete_candidate",
        ),
    ]
    shared = ("labels", "split", "store", "drawn", "model", *more)
    return Pipeline(
        steps,
        namespace="images",
        inputs={"uploads", "image_labels", "cases", "verdicts"},
        parameters={
            "params:period": "params:period",
            "params:reference": "params:reference.images",
            **{f"params:images.{name}": f"params:images.{name}" for name in shared},
        },
        tags={"group.images", "extra.images"},
    )
