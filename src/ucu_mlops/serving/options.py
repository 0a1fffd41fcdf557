"""What can be chosen about serving, as checked data: ``conf/<env>/serving.yml``."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ucu_mlops.errors import ConfigurationError

Count = Annotated[int, Field(ge=1, strict=True)]
Port = Annotated[int, Field(ge=0, le=65_535, strict=True)]
Seconds = Annotated[float, Field(gt=0)]
Checked = TypeVar("Checked", bound=BaseModel)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitOptions(_Options):
    """What one caller may ask of the server.

    Attributes:
        body_bytes: Largest body.
        instances: Most instances of one request.
        in_flight: Requests that are read or answered at a time; one more is refused at once. Times
            ``body_bytes`` it bounds the memory that bodies take.
        timeout_s: Seconds from a request's first byte to its answer.
        per_second: Requests per second and caller, on average; none: no limit.
        burst: Requests at once of a caller, where there is a limit.
    """

    body_bytes: Count = 10_000_000
    instances: Count = 64
    in_flight: Count = 256
    timeout_s: Seconds = 5.0
    per_second: Seconds | None = None
    burst: Count = 20


class QueueOptions(_Options):
    """How pictures wait and are put together.

    Attributes:
        waiting: Most pictures that wait or are worked on; one more is refused at once.
        batch: Most pictures of one call of the network.
        gather_ms: Milliseconds that the first of a batch waits for others; what arrived while the
            batch before was at work is taken in any case.
        budget_ms: Milliseconds within which an accepted picture is to be answered: when the queue
            is expected to take longer, one more is refused although there is room.
        threads: Pictures decoded at a time.
    """

    waiting: Count = 64
    batch: Count = 8
    gather_ms: Annotated[float, Field(ge=0)] = 0.0
    budget_ms: Annotated[float, Field(gt=0)] = 2_000.0
    threads: Count = 2


class PictureOptions(_Options):
    """How a caller's picture is decoded (as ``images.store`` of the parameters says) and judged.

    Attributes:
        side: Width and height that it is letterboxed to.
        channels: 1 (grey) or 3.
        max_pixels: Pixels by its header above which it is not decoded.
        device: Where networks run: ``cpu`` (ONNX Runtime), or ``cuda`` (torch in bf16).
        places: Folders or buckets below which a picture may be named by URI; none: by bytes only.
            No web server: it may lead on to any other place.
    """

    side: Count = 320
    channels: Literal[1, 3] = 1
    max_pixels: Count = 50_000_000
    device: Literal["cpu", "cuda"] = "cpu"
    places: tuple[str, ...] = ()

    @field_validator("places")
    @classmethod
    def _no_redirects(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        if web := [each for each in places if each.startswith(("http:", "https:"))]:
            raise ValueError(f"{web[0]} is a web server, which may lead on to any other place")
        return places


class RecordOptions(_Options):
    """What is kept of answered requests.

    Attributes:
        inputs: Share of the answers whose given features are kept with them, by hash of the id.
    """

    inputs: Annotated[float, Field(ge=0, le=1)] = 1.0


class FeatureOptions(_Options):
    """How users are looked up who come without features.

    Attributes:
        max_age_days: Days since what is published, beyond which it is not used; none: however old.
        missing: What somebody gets of whom nothing is published: ``refuse`` (404), or ``unknown``
            (an answer with no feature known).
    """

    max_age_days: Annotated[float, Field(gt=0)] | None = 3.0
    missing: Literal["refuse", "unknown"] = "refuse"


class ServingOptions(_Options):
    """All of it.

    Attributes:
        host: Where to listen.
        port: On which port.
        grpc_port: On which port gRPC is spoken, too; none: on none. On Vertex AI it is not.
        poll_s: Seconds between two looks at the ledger.
        limits: What one caller may ask.
        queue: How pictures wait.
        pictures: How they are decoded.
        records: What is kept of answers.
        features: How users are looked up.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    grpc_port: Port | None = 8081
    poll_s: Seconds = 1.0
    limits: LimitOptions = LimitOptions()
    queue: QueueOptions = QueueOptions()
    pictures: PictureOptions = PictureOptions()
    records: RecordOptions = RecordOptions()
    features: FeatureOptions = FeatureOptions()


def checked(kind: type[Checked], raw: Any, where: str) -> Checked:
    """Read configuration strictly.

    Args:
        kind: What it should be.
        raw: What was written.
        where: The file, for the message.

    Raises:
        ConfigurationError: An unknown key, or a value out of its range.
    """
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Say in one line where the first problem is, and what."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(each) for each in problem["loc"])
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    return f"{place or 'the whole'}: {problem['msg']}{rest}"
