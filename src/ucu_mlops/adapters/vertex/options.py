"""``conf/<env>/vertexai.yml``: kedro-vertexai's keys, and those that it lacks."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from kedro_vertexai.config import NetworkConfig, PluginConfig, RunConfig
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ucu_mlops.adapters.vertex.machines import REGIONS, check_machine
from ucu_mlops.errors import ConfigurationError

DEFAULT = "__default__"
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
LABEL = re.compile(r"[a-z0-9_-]{1,63}")
ACCOUNT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9]\.iam\.gserviceaccount\.com$"

Kind = Literal["string", "date", "integer", "number", "boolean", "list", "mapping"]


class Retries(BaseModel, extra="forbid", frozen=True):
    """How often a failed container is started again, and how long is waited before.

    Attributes:
        count: Attempts after the first.
        first_s: Seconds before the second attempt.
        factor: How much longer each further wait is.
        longest_s: No wait is longer, in seconds.
    """

    count: int = Field(ge=0, le=10)
    first_s: float = Field(ge=0)
    factor: float = Field(ge=1)
    longest_s: float = Field(ge=0)


class Group(BaseModel, extra="forbid", frozen=True):
    """What one container runs on.

    Attributes:
        image: Name of an image; None is ``run_config.image``.
        machine: Machine type, of ``machines.MACHINES``.
        accelerator: Kind of accelerator, such as ``NVIDIA_L4``.
        accelerators: How many of it.
        timeout_s: Seconds after which an attempt is stopped.
        minutes: How long it is expected to run, for the estimated cost.
        retries: What is done when it fails.
    """

    image: str | None = None
    machine: str
    accelerator: str | None = None
    accelerators: int = Field(default=1, ge=1)
    timeout_s: int = Field(ge=1)
    minutes: float = Field(gt=0)
    retries: Retries


class Image(BaseModel, extra="forbid", frozen=True):
    """A container image: where it lies, and which extras of this package it has."""

    uri: str
    extras: frozenset[str] = frozenset()


class Identity(BaseModel, extra="forbid", frozen=True):
    """As whom, and where, one pipeline runs; what is left out is ``run_config``'s.

    Attributes:
        service_account: Its e-mail address.
        network: The private network that its containers are in.
    """

    service_account: str | None = Field(default=None, pattern=ACCOUNT)
    network: NetworkConfig | None = None


class Run(RunConfig):  # type: ignore[misc]  # it has no types
    """kedro-vertexai's ``run_config``; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")


class VertexOptions(PluginConfig):  # type: ignore[misc]  # it has no types
    """The whole file.

    Attributes:
        run_config: kedro-vertexai's own keys; ``image`` names one of ``images``.
        places: ``cloud``: containers share no disk; ``here``: they do, since all run here.
        images: Images by name.
        groups: By name what differs from ``__default__``.
        pipelines: By name as whom a pipeline runs, where it is not as ``run_config`` says.
        parameters: Kinds of the run-time parameters that a run may be given, by name.
        labels: Labels of the job, for bills and searches.
    """

    model_config = ConfigDict(extra="forbid")

    run_config: Run
    places: Literal["cloud", "here"]
    images: dict[str, Image]
    groups: dict[str, dict[str, Any]]
    pipelines: dict[str, Identity]
    parameters: dict[str, Kind]
    labels: dict[str, str]

    @field_validator("project_id")
    @classmethod
    def _is_a_project(cls, value: str) -> str:
        if not PROJECT.fullmatch(value):
            raise ValueError("must be a project's id (not its name), such as ucu-mlops-prod")
        return value

    @field_validator("region")
    @classmethod
    def _is_a_region(cls, value: str) -> str:
        if value not in REGIONS:
            raise ValueError("must be a region of Vertex AI, such as europe-west1")
        return value

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, value: dict[str, str]) -> dict[str, str]:
        for text in [*value, *value.values()]:
            if not LABEL.fullmatch(text):
                raise ValueError(f"need lower-case letters, digits, _ and -, got {text!r}")
        return value

    def identity(self, pipeline: str) -> Identity:
        """Return as whom a pipeline runs, and in which network."""
        own, run = self.pipelines.get(pipeline, Identity()), self.run_config
        return Identity(
            service_account=own.service_account or run.service_account,
            network=own.network or run.network,
        )

    def check_machine(self, group: str) -> str | None:
        """Tell what is wrong with a group's machine, None if nothing is."""
        where, chosen = f"group {group} (conf/*/vertexai.yml)", self.group(group)
        return check_machine(where, chosen.machine, chosen.accelerator, chosen.accelerators)

    def group(self, name: str) -> Group:
        """Return what the group says over the default.

        Raises:
            ConfigurationError: A key or a value is impossible.
        """
        merged = {**self.groups.get(DEFAULT, {}), **self.groups.get(name, {})}
        try:
            return Group.model_validate(merged)
        except ValidationError as error:
            raise _in_one_line(error, f"groups.{name}") from error


def read_options(raw: Mapping[str, Any]) -> VertexOptions:
    """Check what ``vertexai.yml`` says.

    Raises:
        ConfigurationError: A key is unknown or missing, or a value is impossible.
    """
    try:
        options: VertexOptions = VertexOptions.model_validate(dict(raw))
    except ValidationError as error:
        raise _in_one_line(error) from error
    for name in options.groups:
        options.group(name)
    return options


def _in_one_line(error: ValidationError, above: str = "") -> ConfigurationError:
    first = error.errors()[0]
    place = ".".join(str(part) for part in (above, *first["loc"]) if part != "")
    given = "" if first["type"] == "missing" else f", got {first['input']!r}"
    said = first["msg"].removeprefix("Value error, ")  # pydantic's, before one's own words
    return ConfigurationError(f"conf/*/vertexai.yml, {place}: {said}{given}")
