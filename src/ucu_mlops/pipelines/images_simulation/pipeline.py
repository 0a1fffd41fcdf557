"""Pictures to learn from: the platform's past, and one more day.

simulate_past_images → ``image_objects``, ``uploads``, ``image_labels``, ``images_truth``
``images_truth`` → simulate_images_of_day → the same of one more day
``cases``, ``verdicts``, ``images_truth`` → decide_image_cases → ``todays_verdicts``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.images_simulation.nodes import (
    decide_image_cases,
    simulate_images_of_day,
    simulate_past_images,
)

_PARAMETERS = {
    "platform": "params:simulation.platform",
    "uploads": "params:simulation.uploads",
    "labelling": "params:simulation.labelling",
    "folder": "params:simulation.objects",
}


def create_pipeline() -> Pipeline:
    """Build the past: objects, the table of uploads, and moderators' labels."""
    return Pipeline(
        [
            Node(
                simulate_past_images,
                inputs=_PARAMETERS,
                outputs={
                    "objects": "image_objects",
                    "uploads": "uploads",
                    "image_labels": "image_labels",
                    "truth": "images_truth",
                },
                name="simulate_past_images",
            )
        ],
        tags={"group.images", "extra.images"},
    )


def create_day_pipeline() -> Pipeline:
    """Build one more day."""
    return Pipeline(
        [
            Node(
                simulate_images_of_day,
                inputs=_PARAMETERS | {"truth": "images_truth", "period": "params:period"},
                outputs={
                    "objects": "todays_image_objects",
                    "uploads": "todays_uploads",
                    "image_labels": "todays_image_labels",
                    "truth": "todays_images_truth",
                },
                name="simulate_images_of_day",
            ),
            Node(
                decide_image_cases,
                inputs={
                    "moderators": "params:simulation.image_moderators",
                    "cases": "cases",
                    "verdicts": "verdicts",
                    "truth": "images_truth",
                    "period": "params:period",
                },
                outputs="todays_verdicts",
                name="decide_image_cases",
            ),
        ],
        tags={"group.images", "extra.images"},
    )
