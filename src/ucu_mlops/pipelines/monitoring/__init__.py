"""What was scored and decided, against what the champion knew, to a decision."""

from ucu_mlops.pipelines.monitoring.pipeline import create_pipeline

__all__ = ["create_pipeline"]
