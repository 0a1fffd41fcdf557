"""kedro-vertexai's generator, with what it gets wrong or lacks mended (docs/adr/0009).

A container is started without a shell and gets its parameters as JSON; nothing of the catalog is
pickled; each group has an image, a machine, retries and a time-out of its own; nothing is cached.
"""

import json
from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, Optional

from kedro.framework.context import KedroContext
from kedro_vertexai.generator import PipelineGenerator
from kedro_vertexai.grouping import Grouping
from kfp import dsl
from kfp.dsl import PipelineTask
from makefun import with_signature

from ucu_mlops.adapters.vertex import task
from ucu_mlops.adapters.vertex.containers import Container
from ucu_mlops.adapters.vertex.machines import MACHINES
from ucu_mlops.adapters.vertex.options import Group, VertexOptions

# What the compiled file calls the kinds; a date is a string that is checked before it is sent.
TYPES: dict[str, type] = {
    "string": str,
    "date": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "list": list,
    "mapping": dict,
}
# kedro-mlflow's hook starts the run that kedro-vertexai's tags: the last is asked first.
TRACKING_PLUGINS = ("kedro-vertexai", "kedro-mlflow")
KILL_AFTER_S = 30  # a process that does not end when it is asked to


class Generator(PipelineGenerator):  # type: ignore[misc]  # it has no types
    """Makes kfp's function of one registered pipeline.

    Args:
        options: What ``vertexai.yml`` says.
        name: The pipeline's.
        containers: Its nodes, grouped.
        context: The project's, in the environment that is compiled for.
        tracked: Whether its runs are recorded in MLflow.
    """

    def __init__(
        self,
        options: VertexOptions,
        name: str,
        containers: Sequence[Container],
        context: KedroContext,
        *,
        tracked: bool,
    ) -> None:
        super().__init__(options, name, context, run_name=name)
        self._options = options
        self._containers = containers
        self._plugins = TRACKING_PLUGINS if tracked else ()

    def _generate_params_signature(self, params: str) -> str:  # noqa: ARG002 (the parent's)
        # Evaluated in kedro-vertexai's module, which knows Union and the built-in types.
        return ", ".join(
            f"{name}: Union[{TYPES[kind].__name__}, None] = None"
            for name, kind in sorted(self._options.parameters.items())
        )

    def _build_kfp_tasks(  # the parent's other arguments: nothing of them is needed
        self,
        node_grouping: Grouping,  # noqa: ARG002
        image: str,  # noqa: ARG002
        pipeline: str,
        tracking_token: str | None = None,  # noqa: ARG002
        params: Mapping[str, Any] | None = None,
        params_signature: str = "",  # noqa: ARG002
    ) -> dict[str, PipelineTask]:
        return {
            each.name: self._task(each, pipeline, dict(params or {})) for each in self._containers
        }

    def _task(self, container: Container, pipeline: str, params: dict[str, Any]) -> PipelineTask:
        group = self._options.group(container.name)
        image = self._options.images[group.image or self._options.run_config.image]
        taken = {
            name: kind
            for name, kind in self._options.parameters.items()
            if self._is_for(name, container)
        }

        @dsl.container_component  # type: ignore[untyped-decorator]
        @with_signature(_signature(taken), func_name=container.name.replace("-", "_"))  # type: ignore[untyped-decorator]
        def component(**_: Any) -> dsl.ContainerSpec:
            return dsl.ContainerSpec(
                image=image.uri,
                command=["timeout", f"--kill-after={KILL_AFTER_S}", str(group.timeout_s)],
                args=[
                    *task.COMMAND,
                    task.INPUT,
                    dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
                    task.JOB,
                    dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
                    task.SCHEDULED,
                    dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
                ],
            )

        made: PipelineTask = component(**{name: params[name] for name in taken})
        _configure(made, group)
        for name, value in self._environment(container, pipeline, group).items():
            made.set_env_variable(name, value)
        return made

    def _is_for(self, name: str, container: Container) -> bool:
        """Tell whether a container takes a parameter: all but what only others' nodes read."""

        def reads(each: Container) -> bool:
            return any(read.split(".")[0] == name for read in each.parameters)

        return reads(container) or not any(map(reads, self._containers))

    def _environment(self, container: Container, pipeline: str, group: Group) -> dict[str, str]:
        return {
            task.ENVIRONMENT: self.context.env,
            task.PIPELINE: pipeline,
            task.NODES: json.dumps(container.nodes),
            task.PLUGINS: json.dumps(self._plugins),
            task.DATES: json.dumps(
                sorted(name for name, kind in self._options.parameters.items() if kind == "date")
            ),
            "DO_NOT_TRACK": "1",
            "OMP_NUM_THREADS": str(MACHINES[group.machine].cpus),
            "PYTHONUNBUFFERED": "1",
        }


def _signature(parameters: Mapping[str, str]) -> Signature:
    """Return the signature of a component whose parameters may all be left out."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    return Signature(
        [
            Parameter(name, kind, default=None, annotation=_or_none(parameters[name]))
            for name in sorted(parameters)
        ]
    )


def _or_none(kind: str) -> Any:
    return Optional[TYPES[kind]]  # noqa: UP045 (kfp knows no other way to write it)


def _configure(made: PipelineTask, group: Group) -> None:
    machine, retries = MACHINES[group.machine], group.retries
    made.set_caching_options(enable_caching=False)
    made.set_cpu_limit(str(machine.cpus)).set_memory_limit(f"{machine.memory_gb}G")
    if group.accelerator:
        made.set_accelerator_type(group.accelerator).set_accelerator_limit(group.accelerators)
    if retries.count:
        made.set_retry(
            num_retries=retries.count,
            backoff_duration=f"{retries.first_s:g}s",
            backoff_factor=retries.factor,
            backoff_max_duration=f"{retries.longest_s:g}s",
        )
