"""The image model's gate: challenger beside champion on held-out pictures, to a move."""

from ucu_mlops.pipelines.images_release.pipeline import create_coldstart, create_pipeline

__all__ = ["create_coldstart", "create_pipeline"]
