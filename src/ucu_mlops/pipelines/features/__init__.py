"""Events to features: who was active, and what they did."""

from ucu_mlops.pipelines.features.pipeline import create_pipeline, create_publishing

__all__ = ["create_pipeline", "create_publishing"]
