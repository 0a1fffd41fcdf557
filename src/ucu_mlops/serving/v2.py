"""The Open Inference Protocol (KServe V2) over REST: tensors in, tensors out.

A model of features takes one tensor per feature (and ``user_id``, if it is wanted in the records),
or ``user_id`` alone, to be looked up; a model of pictures one tensor ``image`` of base64. Each has
shape ``[n]`` or ``[n, 1]``. Its binary extension is not read. Specification:
https://github.com/kserve/open-inference-protocol.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ucu_mlops import __version__
from ucu_mlops.serving.answers import Answer, Model
from ucu_mlops.serving.bodies import NOTHING_CHOSEN
from ucu_mlops.serving.health import Health
from ucu_mlops.serving.options import first_problem
from ucu_mlops.serving.problems import BadRequestProblem, NotServedProblem
from ucu_mlops.serving.schemas import InferRequest, InferTensor, Instance, Picture, PredictRequest
from ucu_mlops.serving.versions import Versions

JSON = "application/json"
REQUESTS = TypeAdapter(InferRequest)
BINARY = "inference-header-content-length"
USER, IMAGE = "user_id", "image"
PLATFORM = "onnxruntime_onnx"


class V2Dialect:
    """Fills the port ``ucu_mlops.serving.endpoint.Dialect`` for one request."""

    def __init__(self) -> None:
        self._id: str | None = None

    def read(self, body: bytes, request: Request, model: Model) -> PredictRequest:
        """Read tensors as instances.

        Raises:
            BadRequestProblem: They are not what the protocol says, or not of one length.
            NotServedProblem: Another model or version is meant.
        """
        check_served(request, model)
        if BINARY in request.headers:
            raise BadRequestProblem("binary tensors are not read here; send data as JSON")
        try:
            asked = REQUESTS.validate_json(body)
        except ValidationError as error:
            raise BadRequestProblem(first_problem(error)) from error
        self._id = asked.id
        columns = {tensor.name: _column(tensor) for tensor in asked.inputs}
        if len(columns) < len(asked.inputs):
            raise BadRequestProblem("inputs repeat a name")
        if len({len(values) for values in columns.values()}) != 1:
            raise BadRequestProblem("all inputs must have the same number of rows")
        make = _pictures if model.manifest.takes_pictures else _users
        return PredictRequest.model_construct(instances=make(columns), parameters=NOTHING_CHOSEN)

    def say(self, model: Model, answered: Sequence[tuple[str, Answer]]) -> dict[str, Any]:
        """Spell the answers as tensors; columns are the model's labels."""
        rows, labels = len(answered), len(model.manifest.labels)
        said: dict[str, Any] = {
            "model_name": model.manifest.model,
            "model_version": model.version,
            "outputs": [
                {
                    "name": "probability",
                    "datatype": "FP64",
                    "shape": [rows, labels],
                    "data": [each for _, answer in answered for each in answer.probabilities],
                },
                {
                    "name": "decision",
                    "datatype": "BOOL",
                    "shape": [rows, labels],
                    "data": [each for _, answer in answered for each in answer.decisions],
                },
                {
                    "name": "request_id",
                    "datatype": "BYTES",
                    "shape": [rows],
                    "data": [request_id for request_id, _ in answered],
                },
            ],
        }
        return said if self._id is None else said | {"id": self._id}


def check_served(request: Request, model: Model) -> None:
    """Refuse a path that names another model or version.

    Raises:
        NotServedProblem: It does.
    """
    name = request.path_params["model"]
    version = request.path_params.get("version", model.version)
    if (name, version) != (model.manifest.model, model.version):
        raise NotServedProblem(
            f"{name} {version} is not served here, but {model.manifest.model} {model.version}"
        )


def routes(infer: ASGIApp, versions: Versions, health: Health) -> list[Route]:
    """Give the protocol's paths.

    Args:
        infer: Answers inferences.
        versions: Has the version in charge.
        health: Answers whether it is ready.
    """

    async def server(_: Request) -> Response:
        return _said({"name": "ucu-mlops", "version": __version__, "extensions": []})

    async def metadata(request: Request) -> Response:
        with versions.used() as model:
            check_served(request, model)
            return _said(describe(model))

    async def ready(request: Request) -> Response:
        with versions.used() as model:
            check_served(request, model)
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


def describe(model: Model) -> dict[str, Any]:
    """Tell the tensors that a version takes and gives, and its labels."""
    labels = [label.name for label in model.manifest.labels]
    features = {spec.name: spec.kind for spec in model.manifest.features}
    asked = {IMAGE: "picture"} if model.manifest.takes_pictures else features
    inputs = [
        {"name": name, "datatype": "FP64" if kind == "numeric" else "BYTES", "shape": [-1]}
        for name, kind in asked.items()
    ]
    return {
        "name": model.manifest.model,
        "versions": [model.version],
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [-1, len(labels)]},
            {"name": "decision", "datatype": "BOOL", "shape": [-1, len(labels)]},
            {"name": "request_id", "datatype": "BYTES", "shape": [-1]},
        ],
        "parameters": {"labels": labels},
    }


def _column(tensor: InferTensor) -> list[Any]:
    """Give a tensor's values, flat or nested as the protocol allows.

    Raises:
        BadRequestProblem: The shape is another, or does not fit the data.
    """
    values = tensor.data
    if any(isinstance(each, list) for each in values):
        values = [each[0] if isinstance(each, list) and len(each) == 1 else [] for each in values]
    rows = tensor.shape[0]
    if tensor.shape[1:] not in ([], [1]) or rows != len(values) or [] in values:
        raise BadRequestProblem(
            f"input {tensor.name!r} must have shape [n] or [n, 1] and as much data"
        )
    if tensor.datatype == "BYTES" and not all(isinstance(each, str | None) for each in values):
        raise BadRequestProblem(f"input {tensor.name!r} must hold strings or null, as BYTES do")
    return values


def _users(columns: dict[str, list[Any]]) -> list[Instance]:
    """Make a user of each row."""
    features = {name: values for name, values in columns.items() if name != USER}
    rows = len(next(iter(columns.values())))
    ids = columns.get(USER, [None] * rows)
    # Looked up, somebody must have an id.
    if not all(isinstance(each, str) or (each is None and features) for each in ids):
        raise BadRequestProblem(f"input {USER!r} must hold BYTES")
    return [
        Instance.model_construct(
            user_id=ids[row],
            # A user alone is looked up.
            features={name: values[row] for name, values in features.items()} or None,
            image=None,
        )
        for row in range(rows)
    ]


def _pictures(columns: dict[str, list[Any]]) -> list[Instance]:
    """Make a picture of each row."""
    if set(columns) != {IMAGE} or not all(isinstance(each, str) for each in columns[IMAGE]):
        raise BadRequestProblem(f"send one input {IMAGE!r} of BYTES, which holds base64")
    return [
        Instance.model_construct(
            user_id=None, features=None, image=Picture.model_construct(b64=each, uri=None)
        )
        for each in columns[IMAGE]
    ]


def _said(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type=JSON)
