"""Events to features.

``source_tables`` → find_active → ``population`` → compute_groups → ``feature_tables``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.features.nodes import compute_groups, find_active


def create_pipeline() -> Pipeline:
    """Build the feature pipeline; groups are shared by all models."""
    return Pipeline(
        [
            Node(
                find_active,
                inputs={
                    "source_tables": "source_tables",
                    "features": "params:features",
                    "options": "params:population",
                    "recent": "params:recent",
                },
                outputs="population",
                name="find_active_entities",
            ),
            Node(
                compute_groups,
                inputs={
                    "source_tables": "source_tables",
                    "features": "params:features",
                    "population": "population",
                    "recent": "params:recent",
                },
                outputs="feature_tables",
                name="compute_feature_groups",
            ),
        ],
        tags="group.features",
    )
