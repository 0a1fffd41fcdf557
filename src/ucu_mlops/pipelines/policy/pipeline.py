"""A candidate to a bundle that may score: ``candidate`` → complete → ``completed``."""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.policy.nodes import complete


def create_pipeline(model: str, candidate: str, completed: str) -> Pipeline:
    """Build the step that completes ``candidate`` and saves it as ``completed``.

    Args:
        model: Whose review capacity and reference window count.
        candidate: Dataset of the bundle as trained, such as ``scam.candidate``.
        completed: Dataset of the bundle as released, such as ``scam.challenger``.
    """
    return Pipeline(
        [
            Node(
                complete,
                inputs={
                    "candidate": candidate,
                    "population": "population",
                    "feature_tables": "feature_tables",
                    "features": "params:features",
                    "review": f"params:review.{model}",
                    "options": f"params:reference.{model}",
                    "period": "params:period",
                },
                outputs=completed,
                name=f"complete_{candidate.replace('.', '_')}",
            )
        ],
        tags="group.training",
    )
