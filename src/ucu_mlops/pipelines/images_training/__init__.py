"""Stored pictures and their labels to a challenger, anew or on from the champion."""

from ucu_mlops.pipelines.images_training.pipeline import create_pipeline, create_retraining

__all__ = ["create_pipeline", "create_retraining"]
