"""Labels and events to cross-validated figures.

``scam.labels``, ``source_tables`` → cross_validate → ``scam.cross_validation``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_crossvalidation.nodes import cross_validate_labels


def create_pipeline() -> Pipeline:
    """Build the cross-validation of the scam estimator."""
    return Pipeline(
        [
            Node(
                cross_validate_labels,
                inputs={
                    "labels": "scam.labels",
                    "source_tables": "source_tables",
                    "features": "params:features",
                    "training": "params:training.scam",
                    "options": "params:crossvalidation.scam",
                },
                outputs="scam.cross_validation",
                name="cross_validate_scam",
            )
        ],
        tags="group.training",
    )
