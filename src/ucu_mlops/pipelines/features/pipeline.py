"""Events to features.

``source_tables`` → find_active → ``population`` → compute_groups → ``feature_tables``
→ take_snapshot → ``online_features``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.features.nodes import compute_groups, find_active, take_snapshot


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


def create_publishing() -> Pipeline:
    """Build what brings a day's stored features to where servers look users up."""
    return Pipeline(
        [
            Node(
                take_snapshot,
                inputs={
                    "population": "population",
                    "feature_tables": "feature_tables",
                    "features": "params:features",
                    "period": "params:period",
                },
                outputs="online_features",
                name="take_snapshot",
            ),
        ],
        tags="group.features",
    )
