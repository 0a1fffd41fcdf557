"""Challenger beside champion on users whom no version was trained on."""

from ucu_mlops.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
