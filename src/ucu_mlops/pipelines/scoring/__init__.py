"""Features to scores, scores to a queue that fits what moderators can check."""

from ucu_mlops.pipelines.scoring.pipeline import create_pipeline

__all__ = ["create_pipeline"]
