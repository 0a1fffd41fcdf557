"""The OpenAPI document, made of the schemas that requests are checked by."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ucu_mlops import __version__
from ucu_mlops.serving.schemas import (
    ErrorResponse,
    HealthResponse,
    PredictRequest,
    PredictResponse,
)

REFUSALS = {
    400: "The body is not what the schema says.",
    404: "No features of this user are stored.",
    409: "The stored features are too old, or of another declaration.",
    413: "The body, or the number of instances, exceeds the limit.",
    415: "No media type that is read.",
    422: "A picture was refused, with the reason.",
    429: "The queue is full; Retry-After says when to come back.",
    503: "No version is loaded yet.",
    504: "The answer took too long.",
}


def document(predict: str, ready: str) -> dict[str, Any]:
    """Describe the application.

    Args:
        predict: Path of predictions.
        ready: Path of the health check.

    Returns:
        OpenAPI 3.1.
    """
    _, definitions = models_json_schema(
        [
            (PredictRequest, "validation"),
            *((each, "serialization") for each in (PredictResponse, ErrorResponse, HealthResponse)),
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
        },
        "components": {"schemas": definitions["$defs"]},
    }


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
            **{str(code): _response(said, ErrorResponse) for code, said in REFUSALS.items()},
        },
    }


def _health(said: str, other: int | None = None) -> dict[str, Any]:
    responses = {"200": _response(said, HealthResponse)}
    if other is not None:
        responses[str(other)] = _response("Not yet.", HealthResponse)
    return {"summary": said, "responses": responses}


def _text(said: str) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {"summary": said, "responses": {"200": {"description": said, "content": content}}}


def _response(said: str, kind: type[BaseModel]) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": _content(kind)}}


def _content(kind: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}
