"""The version just trained, on pictures it has not learnt from."""

from ucu_mlops.pipelines.images_evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
