"""Uploaded pictures and labels to a challenger."""

from ucu_mlops.pipelines.images_training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
