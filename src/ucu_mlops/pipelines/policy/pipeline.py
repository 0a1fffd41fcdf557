"""A candidate to a bundle that may score: ``candidate`` → complete → ``completed``."""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.policy.nodes import complete


def create_pipeline(model: str, candidate: str, completed: str) -> Pipeline:
    """Build the step that completes ``candidate`` and saves it as ``completed``.

    Args:
        model: Whose review capacity and reference window count.
        candidate: Dataset of the bundle as trained, ``candidate`` or ``rule``.
        completed: Dataset of the bundle as released, ``challenger`` or ``incumbent``.
    """
    step = Node(
        complete,
        inputs={
            "candidate": candidate,
            "population": "population",
            "feature_tables": "feature_tables",
            "features": "params:features",
            "decisions": "decisions",
            "review": "params:review",
            "options": "params:reference",
            "period": "params:period",
        },
        outputs=completed,
        name=f"complete_{candidate}",
    )
    return Pipeline(
        [step],
        namespace=model,
        inputs={"population", "feature_tables"},
        parameters={
            "params:features": "params:features",
            "params:period": "params:period",
            "params:review": f"params:review.{model}",
            "params:reference": f"params:reference.{model}",
        },
        tags="group.training",
    )
