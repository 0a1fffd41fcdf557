"""Verdicts and events to a registered challenger."""

from ucu_mlops.pipelines.scam_training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
