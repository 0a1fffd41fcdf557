"""MLflow's runs of this process, and how long it waits for a tracking server."""

import os
import sys

HTTP_PATIENCE_S = 5  # an answer takes milliseconds
HTTP_RETRIES = 1
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


def bound_patience() -> None:
    """Let questions to a tracking server fail after seconds, unless somebody has set otherwise.

    MLflow's own patience is two minutes, eight times, with waits in between: a training that an
    alert asked for would hang for half an hour before it says why.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(HTTP_PATIENCE_S))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(HTTP_RETRIES))
