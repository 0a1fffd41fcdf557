"""What every run needs before its first and after its last node."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Node, Pipeline
from kedro.validation.type_extractor import TypeExtractor

from ucu_mlops.adapters.mlflow_runs import bound_patience, forget_runs
from ucu_mlops.datasets import warehouse
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.arrivals import check_complete, last_arrival
from ucu_mlops.features.declarations import parse_declarations

Catalog = CatalogProtocol[str, Any]

# What entries of conf/ take from ``--params`` besides parameters themselves.
RUN_TIME = ("as_of", "start", "end", "source_dir", "seed", "shift", "shift_day")
# What files of parameters hold that no node reads: the loop's own.
NOT_OF_NODES = frozenset({"loop", "drill", "wave"})


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


class ParametersHook:
    """Refuses a name that nothing reads: ignored, another day or setting would run than meant."""

    @hook_impl(trylast=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the keys of each node's options, before Kedro makes them: it says too little.

        Raises:
            ConfigurationError: Options have no such key.
        """
        configured = context.config_loader["parameters"]
        for name, options in TypeExtractor(dict(pipelines)).extract_types_from_pipelines().items():
            known = {each.name for each in fields(options)} if is_dataclass(options) else set()
            for key in _mapping_at(configured, name).keys() - known if known else ():
                said = _meant(key, known) or f"; it has {sorted(known)}"
                raise ConfigurationError(f"{name} has no {key!r}{said}")

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Check ``--params`` against what the pipeline reads, ``conf/`` against what any does.

        Raises:
            ConfigurationError: Nobody reads one of the names.
        """
        given = run_params.get("runtime_params") or {}
        known = {name.split(".")[0] for name in _parameters(pipeline)} | set(RUN_TIME)
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]}?" if near else f"known are {sorted(RUN_TIME)}"
                raise ConfigurationError(f"--params has {name}, which nothing reads; {meant}")
        read = {name for each in pipelines.values() for name in _parameters(each)}
        for name in _unread(catalog.load("parameters"), read | NOT_OF_NODES):
            raise ConfigurationError(
                f"conf/*/parameters/ sets {name}, which nothing reads{_meant(name, read)}"
            )


def _parameters(pipeline: Pipeline) -> set[str]:
    inputs = pipeline.inputs()
    return {name.removeprefix("params:") for name in inputs if name.startswith("params:")}


def _mapping_at(configured: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Follow a dotted name down to a mapping; an empty one where there is none."""
    place: Any = configured
    for key in name.split("."):
        place = place.get(key) if isinstance(place, Mapping) else None
    return place if isinstance(place, Mapping) else {}


def _unread(configured: Mapping[str, Any], read: set[str], above: str = "") -> Iterator[str]:
    """Name the keys that neither are read, nor lie in or lead to what is."""
    for key, value in configured.items():
        name = f"{above}{key}"
        if name in read or name in RUN_TIME:
            continue
        leads_on = any(each.startswith(f"{name}.") for each in read)
        if leads_on and isinstance(value, Mapping):
            yield from _unread(value, read, f"{name}.")
        else:
            yield name


def _meant(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known | {each.split(".")[0] for each in known}, n=1)
    return f"; did you mean {near[0]}?" if near else ""


class CompleteDayHook:
    """Refuses to score and watch a day that cannot be complete yet, before anything is written."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Check the day of a pipeline that decides about it from events that are there.

        Raises:
            ConfigurationError: The day is later than the one after all that is known.
        """
        for model in (str(each.namespace) for each in pipeline.nodes if _decides(each)):
            if _ARRIVALS[model][0] not in pipeline.inputs():  # this run makes it
                continue
            try:
                check_day(catalog, model, catalog.load("params:period").as_of)
            except ConfigurationError:
                warehouse.close_all()  # Kedro calls no other hook after this
                raise


def _decides(node: Node) -> bool:
    return node.name.endswith(".decide_action")


def check_day(catalog: Catalog, model: str, as_of: date) -> None:
    """Refuse a day that cannot be complete.

    Raises:
        ConfigurationError: The day is later than the one after all that is known.
    """
    arrived = _ARRIVALS[model][1](catalog)
    decided = catalog.load(f"{model}.decisions")["as_of"].max().execute()
    last = None if pd.isna(decided) else pd.Timestamp(decided).date()
    check_complete(as_of, arrived, last)


def _latest_event(catalog: Catalog) -> date | None:
    declared = parse_declarations(catalog.load("params:features"))
    return last_arrival(declared, catalog.load("source_tables"))


def _last_upload(catalog: Catalog) -> date | None:
    day: date | None = catalog.load("uploads")["ingested_at"].date().max().to_pyarrow().as_py()
    return day


# By model: where what it is about arrives, and the last day on which anything did.
_ARRIVALS: dict[str, tuple[str, Callable[[Catalog], date | None]]] = {
    "scam": ("source_tables", _latest_event),
    "images": ("uploads", _last_upload),
}


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
    """Bounds the wait for MLflow, and parts the runs of pipelines that follow in one process.

    kedro-mlflow remembers the process's last run: before each node of a pipeline whose tracking is
    disabled it would resume that run, of another pipeline or even of another project's store.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Bound it before kedro-mlflow asks its first question."""
        bound_patience()

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Leave no run behind a pipeline."""
        forget_runs()

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:  # noqa: ARG002 (Kedro's signature)
        """Leave none behind a pipeline that failed, either."""
        forget_runs()
