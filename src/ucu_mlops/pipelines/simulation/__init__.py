"""The platform that the default run needs: its past, and one more day."""

from ucu_mlops.pipelines.simulation.pipeline import create_day_pipeline, create_pipeline

__all__ = ["create_day_pipeline", "create_pipeline"]
