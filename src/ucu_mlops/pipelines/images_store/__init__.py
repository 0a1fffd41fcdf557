"""Uploaded objects to stored pictures."""

from ucu_mlops.pipelines.images_store.pipeline import create_pipeline

__all__ = ["create_pipeline"]
