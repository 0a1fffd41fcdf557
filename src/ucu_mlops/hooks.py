"""What every run needs before its first and after its last node."""

import difflib
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from ucu_mlops.adapters.mlflow_runs import end_active_runs
from ucu_mlops.datasets import warehouse
from ucu_mlops.errors import ConfigurationError

# What entries of conf/ take from ``--params`` besides parameters themselves.
RUN_TIME = ("as_of", "start", "end", "source_dir")


class FeatureDeclarationsHook:
    """Hands the declared feature groups to the nodes as ``params:features``."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Put ``conf/<env>/features/*.yml`` beside the parameters.

        Kedro reads parameters from one set of files; the groups live in files of their own
        so that an analyst who adds one touches nothing else.
        """
        loader = context.config_loader
        loader["parameters"] = {**loader["parameters"], "features": loader["features"]}


class RuntimeParametersHook:
    """Refuses a misspelt ``--params``: ignored, it would run another day than was meant."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Check the names given against those that the catalog and the pipeline read.

        Raises:
            ConfigurationError: Nobody reads one of them.
        """
        read = {name.removeprefix("params:").split(".")[0] for name in pipeline.inputs()}
        known = {*RUN_TIME, *read}
        for name in run_params.get("runtime_params") or {}:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]}?" if near else f"known are {sorted(RUN_TIME)}"
                raise ConfigurationError(f"--params has {name}, which nothing reads; {meant}")


class WarehouseHook:
    """Gives the warehouse back: DuckDB lets no other process in while one holds the file."""

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Close the connections after a run that ended well."""
        warehouse.close_all()

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:  # noqa: ARG002 (Kedro's signature)
        """Close the connections after a run that failed."""
        warehouse.close_all()


class TrackingHook:
    """Ends what kedro-mlflow leaves open when one process runs several pipelines.

    A pipeline whose tracking is disabled still resumes the process's last MLflow run before each
    node, and nothing ends it: whatever the next pipeline logs would land there.
    """

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Leave no run active behind a pipeline."""
        end_active_runs()

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:  # noqa: ARG002 (Kedro's signature)
        """Leave none behind a pipeline that failed, either."""
        end_active_runs()
