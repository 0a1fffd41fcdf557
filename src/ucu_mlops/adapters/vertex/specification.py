"""A compiled file, read and checked: what runs, after what, where, with which parameters.

Only what ``kedro vertex compile`` writes is understood; anything else is refused, not guessed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

import ucu_mlops
from ucu_mlops.adapters.vertex.days import LAST_DAY
from ucu_mlops.errors import ConfigurationError

VERSION_LABEL = "ucu-mlops-version"
AGAIN = "compile it again with kedro vertex compile"
JOB_NAME = "{{$.pipeline_job_name}}"
SCHEDULED = "{{$.pipeline_job_schedule_time_utc}}"
INPUT = "{{$}}"
PLACEHOLDER = re.compile(r"\{\{\$.*?\}\}")


@dataclass(frozen=True)
class Retry:
    """Attempts after the first, and how long is waited before each, in seconds."""

    count: int = 0
    first_s: float = 0.0
    factor: float = 2.0
    longest_s: float = 3_600.0

    def wait_s(self, attempt: int) -> float:
        """Return how long to wait after a failed attempt; the first is 1."""
        return float(min(self.first_s * self.factor ** (attempt - 1), self.longest_s))


@dataclass(frozen=True)
class Task:
    """One container of the specification.

    Attributes:
        name: The task's.
        after: Tasks that must have succeeded before.
        command: Command and arguments, placeholders in them.
        environment: Environment variables.
        inputs: Names of its parameters by those of the pipeline.
        constants: Values that the specification fixes, by name of its parameter.
        retry: What is done when it fails.
    """

    name: str
    after: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    inputs: Mapping[str, str]
    constants: Mapping[str, Any]
    retry: Retry

    def arguments(self, given: Mapping[str, Any], job: str, scheduled: str) -> list[str]:
        """Return command and arguments as the process gets them.

        Args:
            given: The run's parameters.
            job: The job's name.
            scheduled: When the job was scheduled, ISO 8601.
        """
        values = dict(self.constants)
        values |= {own: given[name] for name, own in self.inputs.items() if name in given}
        whole = json.dumps({"inputs": {"parameterValues": values}, "outputs": {}})
        known = {INPUT: whole, JOB_NAME: job, SCHEDULED: scheduled}
        return [known.get(each, each) for each in self.command]


@dataclass(frozen=True)
class Specification:
    """A compiled pipeline.

    Attributes:
        name: The pipeline's.
        tasks: By name.
        parameters: Type and kind of each run-time parameter, such as ``("STRING", "date")``.
        required: Parameters without which it does not run.
    """

    name: str
    tasks: Mapping[str, Task]
    parameters: Mapping[str, tuple[str, str]]
    required: frozenset[str]


def version_label() -> str:
    """Return this package's version as a label may be written."""
    return ucu_mlops.__version__.replace(".", "-")


def read_specification(path: Path) -> Specification:
    """Read a compiled file.

    Raises:
        ConfigurationError: It is none, of another version, or has what is not understood.
    """
    try:
        job = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"{path} cannot be read: {said}; {AGAIN}") from error
    if not isinstance(job, dict) or "pipelineSpec" not in job:
        raise ConfigurationError(f"{path} is no compiled pipeline; {AGAIN}")
    version = job.get("labels", {}).get(VERSION_LABEL)
    if version != version_label():
        raise ConfigurationError(
            f"{path} was compiled by version {version}, this is {version_label()}; {AGAIN}"
        )
    try:
        return _specification(job["displayName"], job["pipelineSpec"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} lacks or misplaces {error}; {AGAIN}") from error


def check_parameters(specification: Specification, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a run is given, and turn text into what the specification says it is.

    Args:
        specification: The compiled pipeline.
        given: Values by name, as text or as what they are.

    Returns:
        The same, typed.

    Raises:
        ConfigurationError: A name is unknown or missing, or a value is of another type.
    """
    if missing := sorted(specification.required - set(given)):
        raise ConfigurationError(f"{specification.name} needs --params={missing[0]}=…")
    return {name: _typed(specification, name, value) for name, value in given.items()}


def _typed(specification: Specification, name: str, value: Any) -> Any:
    if name not in specification.parameters:
        raise ConfigurationError(
            f"--params has {name}, which {specification.name} does not take; it takes"
            f" {sorted(specification.parameters)}"
        )
    kind, described = specification.parameters[name]
    try:
        return parsed(kind, described, value)
    except ValueError as error:
        raise ConfigurationError(
            f"--params: {name} must be a {described or kind.lower()}, got {value!r}"
        ) from error


def parsed(kind: str, described: str, value: Any) -> Any:
    """Turn text into what a parameter is.

    Args:
        kind: As a compiled file says it, such as ``NUMBER_INTEGER``.
        described: ``date``, where text must be a day.
        value: Text, or what it is already.

    Raises:
        ValueError: It is something else.
    """
    if kind == "STRING":
        if not isinstance(value, str):
            raise ValueError
        if described != "date" or value == LAST_DAY:
            return value
        return date.fromisoformat(value).isoformat()
    read = json.loads(value) if isinstance(value, str) else value
    wanted: dict[str, type | tuple[type, ...]] = {
        "NUMBER_INTEGER": int,
        "NUMBER_DOUBLE": (int, float),
        "BOOLEAN": bool,
        "LIST": list,
        "STRUCT": dict,
    }
    if not isinstance(read, wanted[kind]) or (isinstance(read, bool) and kind != "BOOLEAN"):
        raise ValueError
    return read


def _specification(name: str, spec: Mapping[str, Any]) -> Specification:
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return Specification(
        name=name,
        tasks={
            task: _task(task, stated, spec) for task, stated in spec["root"]["dag"]["tasks"].items()
        },
        parameters={
            each: (stated["parameterType"], stated.get("description", ""))
            for each, stated in declared.items()
        },
        required=frozenset(
            each
            for each, stated in declared.items()
            if not stated.get("isOptional") and "defaultValue" not in stated
        ),
    )


def _task(name: str, stated: Mapping[str, Any], spec: Mapping[str, Any]) -> Task:
    component = spec["components"][stated["componentRef"]["name"]]
    executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
    if "container" not in executor or "outputDefinitions" in component:
        raise ConfigurationError(f"task {name} is no container without outputs; {AGAIN}")
    container = executor["container"]
    command = (*container.get("command", ()), *container.get("args", ()))
    for each in command:
        if PLACEHOLDER.search(each) and each not in {INPUT, JOB_NAME, SCHEDULED}:
            raise ConfigurationError(f"task {name} has {each!r}, which is not modelled here")
    inputs, constants = _inputs(name, stated.get("inputs", {}).get("parameters", {}))
    return Task(
        name=name,
        after=tuple(stated.get("dependentTasks", ())),
        command=command,
        environment={each["name"]: each["value"] for each in container.get("env", ())},
        inputs=inputs,
        constants=constants,
        retry=_retry(stated.get("retryPolicy", {})),
    )


def _inputs(name: str, stated: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    inputs, constants = {}, {}
    for own, source in stated.items():
        if "componentInputParameter" in source:
            inputs[source["componentInputParameter"]] = own
        elif "runtimeValue" in source:
            constants[own] = source["runtimeValue"]["constant"]
        else:
            raise ConfigurationError(f"task {name}: input {own} is not modelled here, got {source}")
    return inputs, constants


def _retry(stated: Mapping[str, Any]) -> Retry:
    if not stated:
        return Retry()
    return Retry(
        count=int(stated.get("maxRetryCount", 0)),
        first_s=_seconds(stated.get("backoffDuration", "0s")),
        factor=float(stated.get("backoffFactor", 2.0)),
        longest_s=_seconds(stated.get("backoffMaxDuration", "3600s")),
    )


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))
