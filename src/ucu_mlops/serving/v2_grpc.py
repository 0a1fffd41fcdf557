"""The Open Inference Protocol (KServe V2) over gRPC, on the event loop of the HTTP application.

The same limits, keys, records and metrics hold; refusals are status codes with the same one line.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc import StatusCode

from ucu_mlops import __version__
from ucu_mlops.adapters.inference_protocol import SERVICE, message
from ucu_mlops.serving.answers import Answered, Model
from ucu_mlops.serving.binary import from_bytes, to_bytes
from ucu_mlops.serving.endpoint import PredictEndpoint
from ucu_mlops.serving.health import Health
from ucu_mlops.serving.metrics import Counter
from ucu_mlops.serving.options import LimitOptions
from ucu_mlops.serving.problems import BadRequestProblem, Problem
from ucu_mlops.serving.replies import UNTOLD, Said
from ucu_mlops.serving.schemas import PredictRequest
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

logger = logging.getLogger(__name__)

ROUTE = "grpc"
GRACE_S = 20.0
HEADROOM = 1_024  # of a message that is just too large we say so, and not gRPC
CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    404: StatusCode.NOT_FOUND,
    413: StatusCode.INVALID_ARGUMENT,
    415: StatusCode.INVALID_ARGUMENT,
    422: StatusCode.INVALID_ARGUMENT,
    429: StatusCode.RESOURCE_EXHAUSTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
INFER, ANSWERED = message("ModelInferRequest"), message("ModelInferResponse")


class GrpcCall:
    """Fills the port ``ucu_mlops.serving.calls.Call``.

    Args:
        content: The message's bytes.
        context: gRPC's own view of the call.
    """

    def __init__(self, content: bytes, context: Any) -> None:
        self._content, self._context = content, context

    @property
    def address(self) -> str:
        """The client's address: ``ipv4:ADDRESS:PORT`` without what is around it."""
        host: str = self._context.peer().partition(":")[2].rpartition(":")[0]
        return host.strip("[]")

    def header(self, name: str) -> str:
        """Return a value of the call's metadata."""
        values = dict(self._context.invocation_metadata() or ())
        return str(values.get(name, ""))

    async def body(self, _: LimitOptions) -> bytes:
        """Give the message; gRPC has bounded it."""
        return self._content

    async def left(self) -> None:
        """Wait for ever: gRPC cancels the task of a client that left."""
        await asyncio.Event().wait()


class V2GrpcDialect:
    """Fills the port ``ucu_mlops.serving.endpoint.Dialect`` for one request."""

    def __init__(self) -> None:
        self._asked: Any = None
        self.pins = False

    def read(self, body: bytes, model: Model) -> PredictRequest:
        """Read tensors as instances.

        Raises:
            BadRequestProblem: They are not what the protocol says, or not of one length.
            NotServedProblem: Another model or version is meant.
        """
        try:
            asked = self._asked = INFER.FromString(body)
        except Exception as error:  # protobuf's errors share no base between its two cores
            raise BadRequestProblem("the message is no ModelInferRequest") from error
        check_served(asked.model_name, asked.model_version, model)
        self.pins = bool(asked.model_version)
        check_outputs(each.name for each in asked.outputs)
        if not asked.inputs:
            raise BadRequestProblem("a request needs inputs")
        return read_tensors(_tensors(asked), model)

    def say(self, model: Model, answered: Sequence[Answered]) -> Said:
        """Spell the answers, each tensor as bytes."""
        tensors = answer_tensors(model, answered, [each.name for each in self._asked.outputs])
        name, version = model.manifest.model, version_of(model, answered)
        told = ANSWERED(model_name=name, model_version=version, id=self._asked.id)
        for each in tensors:
            told.outputs.add(name=each.name, datatype=each.datatype, shape=each.shape)
            told.raw_output_contents.append(to_bytes(each.datatype, each.data))
        return Said(told.SerializeToString())


class InferenceService:
    """Answers the protocol's methods.

    Args:
        endpoint: Answers inferences.
        versions: Has the version in charge.
        health: Answers whether it is ready.
        requests: Counts inferences by route and HTTP's status.
    """

    def __init__(
        self, endpoint: PredictEndpoint, versions: Versions, health: Health, requests: Counter
    ) -> None:
        self._endpoint, self._versions = endpoint, versions
        self._health, self._requests = health, requests

    @property
    def handler(self) -> Any:
        """What a gRPC server asks for its methods."""
        methods: dict[str, Callable[[Any], Awaitable[Mapping[str, Any]]]] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ServerMetadata": self._server,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                _answering(method, message(f"{name}Response")),
                request_deserializer=message(f"{name}Request").FromString,
                response_serializer=message(f"{name}Response").SerializeToString,
            )
            for name, method in methods.items()
        }
        handlers["ModelInfer"] = grpc.unary_unary_rpc_method_handler(self._infer)
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def _infer(self, content: bytes, context: Any) -> bytes:
        try:
            said = await self._endpoint.answer(GrpcCall(content, context), V2GrpcDialect())
        except Problem as problem:
            self._requests.add(ROUTE, str(problem.status))
            refused: bytes = await _refuse(context, problem)
            return refused
        except Exception:
            logger.exception("a request could not be answered")
            self._requests.add(ROUTE, "500")
            return await context.abort(StatusCode.INTERNAL, UNTOLD)  # type: ignore[no-any-return]
        self._requests.add(ROUTE, "200")
        return said.content

    async def _live(self, _: Any) -> Mapping[str, Any]:
        return {"live": True}

    async def _ready(self, _: Any) -> Mapping[str, Any]:
        return {"ready": (await self._health.state()).is_ready}

    async def _server(self, _: Any) -> Mapping[str, Any]:
        return {"name": "ucu-mlops", "version": __version__, "extensions": EXTENSIONS}

    async def _model_ready(self, asked: Any) -> Mapping[str, Any]:
        with self._versions.used() as model:
            check_served(asked.name, asked.version, model)
            return await self._ready(asked)

    async def _model(self, asked: Any) -> Mapping[str, Any]:
        with self._versions.used() as model:
            check_served(asked.name, asked.version, model)
            found = describe(model)
        del found["parameters"]  # REST's alone
        return found


@asynccontextmanager
async def grpc_serving(
    service: InferenceService, host: str, port: int, limits: LimitOptions
) -> AsyncIterator[None]:
    """Serve meanwhile; then let what is being answered end.

    Args:
        service: Answers.
        host: Where to listen.
        port: On which port.
        limits: What one message may have.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.body_bytes + HEADROOM),
            ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a share
        ]
    )
    server.add_generic_rpc_handlers((service.handler,))
    server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(GRACE_S)


def _answering(
    method: Callable[[Any], Awaitable[Mapping[str, Any]]], kind: Any
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def answer(asked: Any, context: Any) -> Any:
        try:
            return kind(**await method(asked))
        except Problem as problem:
            return await _refuse(context, problem)

    return answer


async def _refuse(context: Any, problem: Problem) -> Any:
    trailing = tuple((name.lower(), value) for name, value in problem.headers.items())
    code = CODES.get(problem.status, StatusCode.INTERNAL)
    return await context.abort(code, str(problem), trailing)


def _tensors(asked: Any) -> list[Tensor]:
    """Take each tensor's data from the bytes, or from its typed contents."""
    raws = asked.raw_input_contents
    if raws and len(raws) != len(asked.inputs):
        raise BadRequestProblem("raw_input_contents must hold one element for each input")
    tensors = []
    for place, each in enumerate(asked.inputs):
        if raws:
            data = from_bytes(each.name, each.datatype, raws[place])
        elif each.datatype in CONTENTS:
            data = list(getattr(each.contents, CONTENTS[each.datatype]))
        else:
            raise BadRequestProblem(f"input {each.name!r} has a datatype without contents")
        tensors.append(Tensor(each.name, each.datatype, list(each.shape), data))
    return tensors
