"""What can be said of experiments by now, and variants turned off that cost too much."""

from ucu_mlops.pipelines.experiments.pipeline import create_pipeline

__all__ = ["create_pipeline"]
