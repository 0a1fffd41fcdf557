"""What every run needs before its first and after its last node."""

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from ucu_mlops.adapters.mlflow_runs import end_active_runs
from ucu_mlops.datasets import warehouse


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
