"""``conf/<env>/endpoints.yml``: what serves each model on Vertex AI, as checked data."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from ucu_mlops.adapters.vertex.machines import check_machine
from ucu_mlops.errors import ConfigurationError

FILE = "conf/*/endpoints.yml"
ACCOUNT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9]\.iam\.gserviceaccount\.com$"
WHOLE = 100


class Replicas(BaseModel, extra="forbid", frozen=True):
    """How many machines answer.

    Attributes:
        least: Always there.
        most: Started at most when there is more to do.
    """

    least: int = Field(ge=1)
    most: int = Field(ge=1)

    @model_validator(mode="after")
    def _rise(self) -> "Replicas":
        if self.most < self.least:
            raise ValueError(f"most must be at least least ({self.least}), got {self.most}")
        return self


class Autoscaling(BaseModel, extra="forbid", frozen=True):
    """When more machines are started.

    Attributes:
        metric: What is looked at: use of the CPUs or of the accelerators.
        percent: The use that is aimed at.
    """

    metric: Literal["cpu", "accelerator"]
    percent: int = Field(ge=1, le=100)


class ProbeOptions(BaseModel, extra="forbid", frozen=True):
    """When a version counts as answering.

    Attributes:
        answers: Answers of the champion that are looked at, at each step of the traffic.
        requests: Requests after which no more answers are waited for: at a share of 10 % one in ten
            reaches the champion.
        answer_s: Seconds within which an answer must be there.
    """

    answers: int = Field(ge=1)
    requests: int = Field(ge=1)
    answer_s: float = Field(gt=0)


class EndpointOptions(BaseModel, extra="forbid", frozen=True):
    """What serves one model.

    Attributes:
        image: The server's container image.
        service_account: As whom it runs.
        machine: Machine type, of ``machines.MACHINES``.
        accelerator: Kind of accelerator, such as ``NVIDIA_L4``; None for none.
        accelerators: How many of it.
        replicas: How many machines.
        autoscaling: When there are more of them.
        steps: Percentages of the requests by which a new champion takes over, rising to 100.
        probe: When it counts as answering.
        deploy_s: Seconds within which a deployment must be done.
    """

    image: str = Field(min_length=1)
    service_account: str = Field(pattern=ACCOUNT)
    machine: str
    accelerator: str | None = None
    accelerators: int = Field(default=1, ge=1)
    replicas: Replicas
    autoscaling: Autoscaling
    steps: tuple[int, ...]
    probe: ProbeOptions
    deploy_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _fit(self) -> "EndpointOptions":
        if list(self.steps) != sorted({*self.steps}) or self.steps[-1:] != (WHOLE,):
            raise ValueError(f"steps must rise to 100, got {list(self.steps)}")
        if not self.steps[0] > 0:
            raise ValueError(f"steps must begin above 0, got {list(self.steps)}")
        if self.autoscaling.metric == "accelerator" and self.accelerator is None:
            raise ValueError("autoscaling.metric is accelerator, but there is none")
        return self


def read_endpoint(raw: Mapping[str, Any], model: str) -> EndpointOptions:
    """Check what ``endpoints.yml`` says of a model.

    Args:
        raw: The file.
        model: Name of the model.

    Raises:
        ConfigurationError: It says nothing of it, a key is unknown or missing, or a value is
            impossible.
    """
    if model not in raw:
        raise ConfigurationError(f"{FILE} says nothing of {model!r}; it knows {sorted(raw)}")
    try:
        options = EndpointOptions.model_validate(raw[model])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (model, *first["loc"]))
        said = first["msg"].removeprefix("Value error, ")  # pydantic's, before one's own words
        given = ""
        if first["type"] not in {"missing", "value_error"}:
            given = f", got {first['input']!r}"
        raise ConfigurationError(f"{FILE}, {place}: {said}{given}") from error
    where = f"{FILE}, {model}"
    problem = check_machine(where, options.machine, options.accelerator, options.accelerators)
    if problem is not None:
        raise ConfigurationError(problem)
    return options
