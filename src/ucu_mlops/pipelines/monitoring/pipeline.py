"""What was scored and decided to a decision, once for each model.

``<model>.champion`` → count_arrivals → ``<model>.arrivals``
``<model>.scores`` → count_values → ``<model>.histograms`` → watch → ``<model>.drift``
→ decide_action → ``<model>.decision`` → describe_day → ``<model>.monitoring``
→ expose, draw_day → ``<model>.exposition``, ``<model>.monitoring_page``
(``<model>.decisions`` are those of the days before)
``cases``, ``verdicts`` → estimate_recall → ``<model>.recall``
``<model>.moves``, ``cases``, ``verdicts`` → watch_probation → ``<model>.probation``
→ conclude_trial → ``<model>.trial``, which rolls back
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.monitoring.exposition import expose
from ucu_mlops.pipelines.monitoring.nodes import (
    count_source_arrivals,
    count_upload_arrivals,
    count_values,
    decide_action,
    watch,
)
from ucu_mlops.pipelines.monitoring.probation import conclude_trial, watch_probation
from ucu_mlops.pipelines.monitoring.recall import estimate_window_recall
from ucu_mlops.pipelines.monitoring.reporting import (
    describe_day,
    draw_day,
    list_outliers,
    plot_drift,
)

SHARED = {"cases", "verdicts"}


def create_pipeline(model: str) -> Pipeline:
    """Build the daily watch of a model: the same steps for each, in its namespace."""
    feeds, shared, parameters = FEEDS[model]
    steps = [
        feeds,
        Node(
            count_values,
            inputs={
                "champion": "champion",
                "scores": "scores",
                "inputs": "inputs",
                "options": "params:drift",
                "period": "params:period",
            },
            outputs="histograms",
            name="count_values",
        ),
        Node(
            watch,
            inputs={
                "champion": "champion",
                "histograms": "histograms",
                "scores": "scores",
                "arrivals": "arrivals",
                "options": "params:drift",
                "period": "params:period",
            },
            outputs="drift",
            name="watch",
        ),
        Node(
            list_outliers,
            inputs={
                "champion": "champion",
                "inputs": "inputs",
                "options": "params:drift",
                "period": "params:period",
            },
            outputs="outliers",
            name="list_outliers",
        ),
        Node(
            decide_action,
            inputs={
                "drift": "drift",
                "cases": "cases",
                "verdicts": "verdicts",
                "decisions": "decisions",
                "champion": "champion",
                "options": "params:decision",
                "period": "params:period",
            },
            outputs="decision",
            name="decide_action",
        ),
        Node(
            watch_probation,
            inputs={
                "moves": "moves",
                "cases": "cases",
                "verdicts": "verdicts",
                "decisions": "decisions",
                "champion": "champion",
                "options": "params:probation",
                "period": "params:period",
            },
            outputs="probation",
            name="watch_probation",
        ),
        Node(
            conclude_trial,
            inputs={"probation": "probation"},
            outputs="trial",
            name="conclude_trial",
        ),
        Node(
            plot_drift,
            inputs={"drift": "drift", "period": "params:period"},
            outputs="drift_plot",
            name="plot_drift",
        ),
        Node(
            estimate_window_recall,
            inputs={
                "cases": "cases",
                "verdicts": "verdicts",
                "champion": "champion",
                "review": "params:review",
                "options": "params:recall",
                "period": "params:period",
            },
            outputs="recall",
            name="estimate_recall",
        ),
        Node(
            describe_day,
            inputs={
                "drift": "drift",
                "decision": "decision",
                "queue": "queue",
                "outliers": "outliers",
                "champion": "champion",
                "review": "params:review",
                "period": "params:period",
            },
            outputs="monitoring",
            name="describe_day",
        ),
        Node(
            expose,
            inputs={"day": "monitoring", "recall": "recall", "probation": "probation"},
            outputs="exposition",
            name="expose",
        ),
        Node(
            draw_day,
            inputs={
                "monitoring": "monitoring",
                "recall": "recall",
                "drift": "drift",
                "histograms": "histograms",
                "decision": "decision",
                "outliers": "outliers",
                "champion": "champion",
            },
            outputs="monitoring_page",
            name="draw_day",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        inputs=SHARED | shared,
        parameters={
            "params:period": "params:period",
            **parameters,
            "params:review": f"params:review.{model}",
            "params:recall": f"params:recall.{model}",
            "params:drift": f"params:drift.{model}",
            "params:decision": f"params:decision.{model}",
            "params:probation": f"params:probation.{model}",
        },
        tags="group.scoring",
    )


# What arrives before a model's inputs are made of it: how much of it, each model counts by itself.
FEEDS = {
    "scam": (
        Node(
            count_source_arrivals,
            inputs={
                "champion": "champion",
                "source_tables": "source_tables",
                "features": "params:features",
                "options": "params:drift",
                "period": "params:period",
            },
            outputs="arrivals",
            name="count_arrivals",
        ),
        {"source_tables"},
        {"params:features": "params:features"},
    ),
    "images": (
        Node(
            count_upload_arrivals,
            inputs={"champion": "champion", "uploads": "uploads", "period": "params:period"},
            outputs="arrivals",
            name="count_arrivals",
        ),
        {"uploads"},
        {},
    ),
}
