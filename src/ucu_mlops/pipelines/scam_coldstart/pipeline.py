"""Parameters to the first champion: write_rule → ``scam.rule``."""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_coldstart.nodes import write_rule


def create_pipeline() -> Pipeline:
    """Build the step that writes the scam rule as a bundle."""
    return Pipeline(
        [
            Node(
                write_rule,
                inputs={
                    "features": "params:features",
                    "options": "params:rule.scam",
                    "period": "params:period",
                },
                outputs="scam.rule",
                name="write_scam_rule",
            )
        ],
        tags="group.training",
    )
