"""What can be said of a model's experiments at the end of a day.

``<model>.requests``, ``cases``, ``verdicts`` → judge_experiments → ``<model>.experiments``
→ list_verdicts → ``<model>.experiment_verdict``, which gates read
→ turn_off → ``<model>.switches``, which servers follow
→ draw → ``<model>.experiments_page``
"""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.experiments.nodes import (
    draw,
    judge_experiments,
    list_verdicts,
    turn_off,
)


def create_pipeline(model: str) -> Pipeline:
    """Build the daily look at a model's experiments: the same steps for each."""

    def of_model(function: Callable[..., Any]) -> Callable[..., Any]:
        return update_wrapper(partial(function, model=model), function)

    reports = {"reports": "experiments", "period": "params:period"}
    steps = [
        Node(
            of_model(judge_experiments),
            inputs={
                "requests": "requests",
                "cases": "cases",
                "verdicts": "verdicts",
                "experiments": "params:experiments",
                "period": "params:period",
            },
            outputs="experiments",
            name="judge_experiments",
        ),
        Node(
            of_model(list_verdicts),
            inputs=reports,
            outputs="experiment_verdict",
            name="list_verdicts",
        ),
        Node(of_model(turn_off), inputs=reports, outputs="switches", name="turn_off"),
        Node(of_model(draw), inputs=reports, outputs="experiments_page", name="draw_experiments"),
    ]
    return Pipeline(
        steps,
        namespace=model,
        inputs={"cases": "cases", "verdicts": "verdicts"},
        parameters={
            "params:period": "params:period",
            "params:experiments": "params:experiments",
        },
        tags="group.monitoring",
    )
