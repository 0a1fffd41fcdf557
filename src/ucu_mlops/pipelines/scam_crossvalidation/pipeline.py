"""Labels and events to cross-validated figures.

``scam.labels``, ``source_tables`` → cross_validate → ``scam.cross_validation``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_crossvalidation.nodes import cross_validate_labels


def create_pipeline() -> Pipeline:
    """Build the cross-validation of the scam estimator."""
    step = Node(
        cross_validate_labels,
        inputs={
            "labels": "labels",
            "source_tables": "source_tables",
            "features": "params:features",
            "training": "params:training",
            "options": "params:crossvalidation",
        },
        outputs="cross_validation",
        name="cross_validate",
    )
    return Pipeline(
        [step],
        namespace="scam",
        inputs={"source_tables"},
        parameters={
            "params:features": "params:features",
            "params:training": "params:training.scam",
            "params:crossvalidation": "params:crossvalidation.scam",
        },
        tags="group.training",
    )
