"""The rule that is champion before there is a model."""

from ucu_mlops.pipelines.scam_coldstart.pipeline import create_pipeline

__all__ = ["create_pipeline"]
