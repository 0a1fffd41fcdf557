"""Labels and events to cross-validated figures.

``scam.labels``, ``source_tables`` → cross_validate → ``scam.cross_validation``;
→ compare_variants → ``scam.comparison`` → ``scam.comparison_plot``, ``scam.comparison_metrics``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_crossvalidation.nodes import (
    compare_variants,
    cross_validate_labels,
    list_comparison,
    plot_comparison,
)

INPUTS = {
    "labels": "labels",
    "source_tables": "source_tables",
    "features": "params:features",
    "training": "params:training",
    "options": "params:crossvalidation",
}


def create_pipeline() -> Pipeline:
    """Build the cross-validation of the scam estimator."""
    step = Node(
        cross_validate_labels, inputs=INPUTS, outputs="cross_validation", name="cross_validate"
    )
    return _of_scam([step])


def create_comparison_pipeline() -> Pipeline:
    """Build the comparison of variants of training."""
    steps = [
        Node(compare_variants, inputs=INPUTS, outputs="comparison", name="compare_variants"),
        Node(
            list_comparison,
            inputs={"comparison": "comparison"},
            outputs="comparison_metrics",
            name="list_comparison",
        ),
        Node(
            plot_comparison,
            inputs={"comparison": "comparison"},
            outputs="comparison_plot",
            name="plot_comparison",
        ),
    ]
    return _of_scam(steps)


def _of_scam(steps: list[Node]) -> Pipeline:
    return Pipeline(
        steps,
        namespace="scam",
        inputs={"source_tables"},
        parameters={
            "params:features": "params:features",
            "params:training": "params:training.scam",
            "params:crossvalidation": "params:crossvalidation.scam",
        },
        tags="group.training",
    )
