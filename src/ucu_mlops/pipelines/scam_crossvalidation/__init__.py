"""Labels and events to cross-validated figures, for any data set."""

from ucu_mlops.pipelines.scam_crossvalidation.pipeline import (
    create_comparison_pipeline,
    create_pipeline,
)

__all__ = ["create_comparison_pipeline", "create_pipeline"]
