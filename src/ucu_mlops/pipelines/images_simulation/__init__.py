"""Pictures that the simulated platform's users upload: its past, and one more day."""

from ucu_mlops.pipelines.images_simulation.pipeline import create_day_pipeline, create_pipeline

__all__ = ["create_day_pipeline", "create_pipeline"]
