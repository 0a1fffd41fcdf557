"""Parameters to the first champion: write_rule → ``scam.rule``."""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.scam_coldstart.nodes import write_rule


def create_pipeline() -> Pipeline:
    """Build the step that writes the scam rule as a bundle."""
    step = Node(
        write_rule,
        inputs={
            "features": "params:features",
            "options": "params:rule",
            "period": "params:period",
        },
        outputs="rule",
        name="write_rule",
    )
    return Pipeline(
        [step],
        namespace="scam",
        parameters={
            "params:features": "params:features",
            "params:period": "params:period",
            "params:rule": "params:rule.scam",
        },
        tags="group.training",
    )
