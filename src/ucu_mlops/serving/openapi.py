"""The OpenAPI document, made of the schemas that requests are checked by."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ucu_mlops import __version__
from ucu_mlops.serving.schemas import (
    ErrorResponse,
    HealthResponse,
    InferRequest,
    InferResponse,
    PredictRequest,
    PredictResponse,
)

REFUSALS = {
    400: "The body is not what the schema says.",
    401: "No key, or none that is known (where keys are set).",
    404: "Nothing is published of a user who came without features; or another model is asked for.",
    413: "The body, or the number of instances, exceeds the limit.",
    415: "No media type that is read.",
    422: "A picture was refused, with the reason.",
    429: "The queue is full; Retry-After says when to come back.",
    503: "No version is loaded yet, or users cannot be looked up now.",
    504: "The answer took too long.",
}

# The binary extension: JSON, as long as Inference-Header-Content-Length says, and bytes behind it.
BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
ANSWERS = (PredictResponse, InferResponse, ErrorResponse, HealthResponse)
MODEL = "/v2/models/{model}"
VERSION = MODEL + "/versions/{version}"


def document(predict: str, ready: str, model: str) -> dict[str, Any]:
    """Describe the application.

    Args:
        predict: Path of predictions.
        ready: Path of the health check.
        model: The model that is served.

    Returns:
        OpenAPI 3.1.
    """
    _, definitions = models_json_schema(
        [
            *((each, "validation") for each in (PredictRequest, InferRequest)),
            *((each, "serialization") for each in ANSWERS),
        ],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "ucu-mlops", "version": __version__},
        "paths": {
            predict: {"post": _predict()},
            ready: {"get": _health("Whether a version is loaded and answers a probe.", 503)},
            "/health/live": {"get": _health("Whether the process lives.")},
            "/metrics": {"get": _text("What is counted, for Prometheus.")},
            "/v2": {"get": _any("The server, as the Open Inference Protocol asks.")},
            "/v2/health/live": {"get": _health("Whether the process lives.")},
            "/v2/health/ready": {"get": _health("As the health check above.", 503)},
            **{
                path + rest: operation
                for path in (MODEL, VERSION)
                for rest, operation in _v2_model(path, model).items()
            },
        },
        "components": {"schemas": definitions["$defs"]},
    }


def _v2_model(path: str, model: str) -> dict[str, Any]:
    """Describe the paths below a model's, or a version's."""
    schemas = {"model": {"type": "string", "enum": [model]}, "version": {"type": "string"}}
    named = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in path
    ]
    missing = {"404": _response("Another model or version is served.", ErrorResponse)}
    answer = _response("A row per row.", InferResponse)
    answer["content"] |= BYTES
    infer = {
        "summary": "Judge users or pictures, as the Open Inference Protocol spells it.",
        "requestBody": {
            "required": True,
            "content": {"application/json": _content(InferRequest), **BYTES},
        },
        "responses": {"200": answer, **_refusals(), **missing},
    }
    metadata, ready = _any("Tensors that the model takes and gives."), _health("Ready?", 503)
    for each in (metadata, ready):
        each["responses"] |= missing
    operations = {"": {"get": metadata}, "/ready": {"get": ready}, "/infer": {"post": infer}}
    return {rest: {"parameters": named, **each} for rest, each in operations.items()}


def _predict() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "schema": {
            "type": "object",
            "properties": {
                "image": {"type": "array", "items": {"type": "string", "format": "binary"}}
            },
            "required": ["image"],
        }
    }
    return {
        "operationId": "predict",
        "summary": "Judge users or pictures.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": _content(PredictRequest),
                "multipart/form-data": form,
                "image/jpeg": binary,
                "image/png": binary,
            },
        },
        "responses": {
            "200": _response("One prediction per instance.", PredictResponse),
            **_refusals(),
        },
    }


def _refusals() -> dict[str, Any]:
    return {str(code): _response(said, ErrorResponse) for code, said in REFUSALS.items()}


def _health(said: str, other: int | None = None) -> dict[str, Any]:
    responses = {"200": _response(said, HealthResponse)}
    if other is not None:
        responses[str(other)] = _response("Not yet.", HealthResponse)
    return {"summary": said, "responses": responses}


def _any(said: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {"summary": said, "responses": {"200": {"description": said, "content": content}}}


def _text(said: str) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {"summary": said, "responses": {"200": {"description": said, "content": content}}}


def _response(said: str, kind: type[BaseModel]) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": _content(kind)}}


def _content(kind: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}
