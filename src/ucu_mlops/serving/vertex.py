"""Vertex AI Prediction's form: ``{"instances": …}`` → ``{"predictions": …}``; pictures as they are.

Beside JSON a body may be one picture's bytes, or a form of files.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request

from ucu_mlops.serving.answers import Answered, Model
from ucu_mlops.serving.bodies import parse
from ucu_mlops.serving.replies import Said
from ucu_mlops.serving.schemas import PredictRequest


class VertexDialect:
    """Fills the port ``ucu_mlops.serving.endpoint.Dialect`` for one request.

    Args:
        request: Its headers.
    """

    pins = False  # the form has no place for a version

    def __init__(self, request: Request) -> None:
        self._request = request

    def read(self, body: bytes, _: Model) -> PredictRequest:
        """Read instances, or pictures."""
        return parse(body, self._request.headers.get("content-type", ""))

    def say(self, model: Model, answered: Sequence[Answered]) -> Said:
        """Spell one prediction per instance."""
        names = [label.name for label in model.manifest.labels]
        predictions = [_prediction(names, each) for each in answered]
        return Said(orjson.dumps({"predictions": predictions}))


def _prediction(names: Sequence[str], answered: Answered) -> dict[str, Any]:
    answer = answered.answer
    said: dict[str, Any] = {
        "labels": {
            name: {"probability": probability, "decision": decision}
            for name, probability, decision in zip(
                names, answer.probabilities, answer.decisions, strict=True
            )
        },
        "version": answered.model.version,
        "request_id": answered.request_id,
    }
    if answer.features_as_of is not None:
        said["features_as_of"] = answer.features_as_of.isoformat()
    if answer.reasons is not None:
        said["reasons"] = answer.reasons
    return said
