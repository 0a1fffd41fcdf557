"""What a candidate needs before it may score: a threshold that fits, a reference to be watched by."""

from ucu_mlops.pipelines.policy.pipeline import create_pipeline

__all__ = ["create_pipeline"]
