"""What a candidate needs before it may score: a threshold that fits, a reference for drift."""

from ucu_mlops.pipelines.policy.pipeline import create_pipeline

__all__ = ["create_pipeline"]
