"""A platform to learn from: its past, and one more day.

simulate_past → ``source_tables``, ``cases``, ``verdicts``, ``simulation_truth``
``cases``, ``verdicts`` → simulate_day → ``source_tables``, ``todays_verdicts``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.simulation.nodes import simulate_day, simulate_past


def create_pipeline() -> Pipeline:
    """Build the platform's past: events, and the queue and verdicts of the old process."""
    return Pipeline(
        [
            Node(
                simulate_past,
                inputs={
                    "platform": "params:simulation.platform",
                    "moderators": "params:simulation.moderators",
                    "review": "params:review.scam",
                    "history": "params:simulation.history",
                },
                outputs={
                    "source_tables": "source_tables",
                    "cases": "cases",
                    "verdicts": "verdicts",
                    "truth": "simulation_truth",
                },
                name="simulate_past",
            )
        ],
        tags="group.simulation",
    )


def create_day_pipeline() -> Pipeline:
    """Build one more day: its events, and the moderators' verdicts on open cases."""
    return Pipeline(
        [
            Node(
                simulate_day,
                inputs={
                    "platform": "params:simulation.platform",
                    "moderators": "params:simulation.moderators",
                    "cases": "cases",
                    "verdicts": "verdicts",
                    "period": "params:period",
                },
                outputs={"source_tables": "source_tables", "verdicts": "todays_verdicts"},
                name="simulate_day",
            )
        ],
        tags="group.simulation",
    )
