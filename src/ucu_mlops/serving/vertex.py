"""Vertex AI Prediction's form: ``{"instances": …}`` → ``{"predictions": …}``; pictures as they are.

Beside JSON a body may be one picture's bytes, or a form of files.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request

from ucu_mlops.serving.answers import Answer, Model
from ucu_mlops.serving.bodies import parse
from ucu_mlops.serving.replies import Said
from ucu_mlops.serving.schemas import PredictRequest


class VertexDialect:
    """Fills the port ``ucu_mlops.serving.endpoint.Dialect`` for one request.

    Args:
        request: Its headers.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    def read(self, body: bytes, _: Model) -> PredictRequest:
        """Read instances, or pictures."""
        return parse(body, self._request.headers.get("content-type", ""))

    def say(self, model: Model, answered: Sequence[tuple[str, Answer]]) -> Said:
        """Spell one prediction per instance."""
        names = [label.name for label in model.manifest.labels]
        predictions = [_prediction(model, names, *each) for each in answered]
        return Said(orjson.dumps({"predictions": predictions}))


def _prediction(
    model: Model, names: Sequence[str], request_id: str, answer: Answer
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "labels": {
            name: {"probability": probability, "decision": decision}
            for name, probability, decision in zip(
                names, answer.probabilities, answer.decisions, strict=True
            )
        },
        "version": model.version,
        "request_id": request_id,
    }
    if answer.features_as_of is not None:
        said["features_as_of"] = answer.features_as_of.isoformat()
    if answer.reasons is not None:
        said["reasons"] = answer.reasons
    return said
