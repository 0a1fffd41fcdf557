"""What servers answered, from their spool into the warehouse."""

from ucu_mlops.pipelines.requests.pipeline import create_pipeline

__all__ = ["create_pipeline"]
