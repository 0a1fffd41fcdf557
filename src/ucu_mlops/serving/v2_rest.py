"""The Open Inference Protocol (KServe V2) over REST, tensors as JSON or as bytes behind it."""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ucu_mlops import __version__
from ucu_mlops.serving.answers import Answered, Model
from ucu_mlops.serving.binary import from_bytes, to_bytes
from ucu_mlops.serving.health import Health
from ucu_mlops.serving.options import first_problem
from ucu_mlops.serving.problems import BadRequestProblem
from ucu_mlops.serving.replies import JSON, Said
from ucu_mlops.serving.schemas import InferRequest, InferTensor, PredictRequest
from ucu_mlops.serving.tensors import (
    EXTENSIONS,
    Tensor,
    answer_tensors,
    check_outputs,
    check_served,
    describe,
    read_tensors,
    version_of,
)
from ucu_mlops.serving.versions import Versions

REQUESTS = TypeAdapter(InferRequest)
HEAD = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"


class V2RestDialect:
    """Fills the port ``ucu_mlops.serving.endpoint.Dialect`` for one request.

    Args:
        request: Its path and headers.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._asked: InferRequest | None = None
        self.pins = False

    def read(self, body: bytes, model: Model) -> PredictRequest:
        """Read tensors as instances.

        Raises:
            BadRequestProblem: They are not what the protocol says, or not of one length.
            NotServedProblem: Another model or version is meant.
        """
        _check_path(self._request, model)
        self.pins = "version" in self._request.path_params
        head, raw = _parted(body, self._request.headers.get(HEAD))
        try:
            asked = self._asked = REQUESTS.validate_json(head)
        except ValidationError as error:
            raise BadRequestProblem(first_problem(error)) from error
        check_outputs(each.name for each in asked.outputs)
        return read_tensors(_tensors(asked.inputs, raw), model)

    def say(self, model: Model, answered: Sequence[Answered]) -> Said:
        """Spell the answers as tensors, as bytes where that was wished."""
        asked = self._asked
        assert asked is not None  # noqa: S101 (nothing is said before it was read)
        binary = {each.name: each.parameters.binary_data for each in asked.outputs}
        outputs, parts = [], []
        for tensor in answer_tensors(model, answered, list(binary)):
            said: dict[str, Any] = {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": tensor.shape,
            }
            if binary.get(tensor.name, asked.parameters.binary_data_output):
                parts.append(to_bytes(tensor.datatype, tensor.data))
                said["parameters"] = {"binary_data_size": len(parts[-1])}
            else:
                said["data"] = tensor.data
            outputs.append(said)
        version = version_of(model, answered)
        whole = {"model_name": model.manifest.model, "model_version": version}
        head = orjson.dumps(
            whole | ({} if asked.id is None else {"id": asked.id}) | {"outputs": outputs}
        )
        if not parts:
            return Said(head)
        return Said(b"".join([head, *parts]), {HEAD: str(len(head))}, OCTETS)


def routes(infer: ASGIApp, versions: Versions, health: Health) -> list[Route]:
    """Give the protocol's paths.

    Args:
        infer: Answers inferences.
        versions: Has the version in charge.
        health: Answers whether it is ready.
    """

    async def server(_: Request) -> Response:
        return _said({"name": "ucu-mlops", "version": __version__, "extensions": EXTENSIONS})

    async def metadata(request: Request) -> Response:
        with versions.used() as model:
            _check_path(request, model)
            return _said(describe(model))

    async def ready(request: Request) -> Response:
        with versions.used() as model:
            _check_path(request, model)
            return await health.ready(request)

    found = [
        Route("/v2", server, methods=["GET"]),
        Route("/v2/health/live", health.live, methods=["GET"]),
        Route("/v2/health/ready", health.ready, methods=["GET"]),
    ]
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        found += [
            Route(path, metadata, methods=["GET"]),
            Route(f"{path}/ready", ready, methods=["GET"]),
            Route(f"{path}/infer", infer, methods=["POST"]),
        ]
    return found


def _check_path(request: Request, model: Model) -> None:
    check_served(request.path_params["model"], request.path_params.get("version", ""), model)


def _parted(body: bytes, length: str | None) -> tuple[bytes, bytes]:
    """Part the JSON from the bytes behind it."""
    if length is None:
        return body, b""
    if not length.isdecimal() or len(length) > len(str(len(body))) or int(length) > len(body):
        raise BadRequestProblem(f"{HEAD} must be the length of the JSON at the body's begin")
    return body[: int(length)], body[int(length) :]


def _tensors(inputs: Sequence[InferTensor], raw: bytes) -> list[Tensor]:
    """Take each tensor's data from the JSON or, in their order, from the bytes."""
    tensors, start = [], 0
    for each in inputs:
        size = each.parameters.binary_data_size
        if (size is None) == (each.data is None):
            raise BadRequestProblem(f"input {each.name!r} needs either data or binary_data_size")
        data = each.data
        if size is not None:
            if start + size > len(raw):
                raise BadRequestProblem(f"input {each.name!r} ends behind the body")
            data = from_bytes(each.name, each.datatype, raw[start : start + size])
            start += size
        tensors.append(Tensor(each.name, each.datatype, each.shape, data or []))
    if start < len(raw):
        raise BadRequestProblem(f"{len(raw) - start} bytes of the body belong to no input")
    return tensors


def _said(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type=JSON)
