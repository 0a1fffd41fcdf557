"""MLflow's runs of this process."""

import sys

_PLUGIN = "kedro_mlflow.framework.hooks.mlflow_hook"


def forget_runs() -> None:
    """Leave no run active and none to be resumed: what is logged next would land in it.

    A process that has not imported MLflow has none, and need not spend seconds on finding out.
    """
    mlflow, plugin = sys.modules.get("mlflow"), sys.modules.get(_PLUGIN)
    while mlflow is not None and mlflow.active_run():
        mlflow.end_run()
    if plugin is not None:
        plugin.mlflow_hook.run_id = None
