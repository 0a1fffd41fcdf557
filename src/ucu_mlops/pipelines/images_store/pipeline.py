"""Uploaded objects to stored pictures.

``uploads``, ``images.stored`` → store_pictures → ``images.shards``, ``images.quarantine``
(``images.stored`` is the store as it was: the same folder)
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.images.storing import store_pictures


def create_pipeline() -> Pipeline:
    """Build the step that brings the store of pictures up to date."""
    return Pipeline(
        [
            Node(
                store_pictures,
                inputs={
                    "uploads": "uploads",
                    "stored": "stored",
                    "store": "params:images.store",
                    "period": "params:period",
                },
                outputs=["shards", "quarantine"],
                name="store_pictures",
            )
        ],
        namespace="images",
        inputs={"uploads"},
        parameters={
            "params:period": "params:period",
            "params:images.store": "params:images.store",
        },
        tags={"group.images", "extra.images"},
    )
