"""How Kedro reads this project's configuration and what it is extended by."""

from typing import Any

from ucu_mlops.hooks import (
    CompleteDayHook,
    FeatureDeclarationsHook,
    ParametersHook,
    TrackingHook,
    WarehouseHook,
)

HOOKS = (
    FeatureDeclarationsHook(),
    CompleteDayHook(),
    ParametersHook(),
    WarehouseHook(),
    TrackingHook(),
)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {
        "endpoints": ["endpoints*"],
        "features": ["features/*.yml"],
        "mlflow": ["mlflow*"],
        "vertexai": ["vertexai*"],
    },
    # An environment states only what it changes. Globals stay destructive: softly merged,
    # a DuckDB path would leak into another warehouse's connection.
    "merge_strategy": {"parameters": "soft"},
}
