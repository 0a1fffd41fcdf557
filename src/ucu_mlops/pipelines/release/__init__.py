"""The gate's verdict on a challenger to a move of the ledger."""

from ucu_mlops.pipelines.release.pipeline import create_pipeline

__all__ = ["create_pipeline"]
