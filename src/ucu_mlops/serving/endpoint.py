"""``/predict``: body → instances → the version in charge → recorded → answer."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Sequence
from itertools import count
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ucu_mlops.serving.answers import Answer, Model
from ucu_mlops.serving.bodies import parse, read_body
from ucu_mlops.serving.callers import Callers
from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.options import ServingOptions
from ucu_mlops.serving.problems import BadRequestProblem, NotReadyProblem, TimeoutProblem
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.schemas import PredictRequest
from ucu_mlops.serving.versions import Versions

Result = TypeVar("Result")
JSON = "application/json"


class PredictEndpoint:
    """Answers predictions.

    Args:
        versions: Has the version in charge.
        callers: Says who asks.
        recorder: Writes answers down before they go out.
        metrics: Where stages and decisions are counted.
        options: Limits.
    """

    def __init__(
        self,
        versions: Versions,
        callers: Callers,
        recorder: Recorder,
        metrics: Metrics,
        options: ServingOptions,
    ) -> None:
        self._versions, self._callers, self._recorder = versions, callers, recorder
        self._metrics, self._limits = metrics, options.limits
        # Unique without asking anybody: of this start of the process, and counted.
        self._start, self._numbers = secrets.token_hex(8), count()

    async def __call__(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            Problem: What the caller is told instead.
        """
        started = time.perf_counter()
        caller = self._callers.admit(request)
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                body = await read_body(request, self._limits)
                model = self._in_charge()
                with self._metrics.timed("parse"):
                    asked = parse(body, request.headers.get("content-type", ""), self._limits)
                answers = await self._answers(request, model, asked)
        except TimeoutError as error:
            self._metrics.dropped.add("timeout")
            raise TimeoutProblem(
                f"no answer within {self._limits.timeout_s:g} seconds; try again later"
            ) from error
        ids = [f"{self._start}-{next(self._numbers):x}" for _ in answers]
        took = time.perf_counter() - started
        with self._metrics.timed("record"):
            self._recorder.record(model, list(zip(ids, answers, strict=True)), caller, took)
        pairs = zip(ids, answers, strict=True)
        said = {"predictions": [_prediction(model, each_id, each) for each_id, each in pairs]}
        self._metrics.stages.observe("whole", time.perf_counter() - started)
        return Response(orjson.dumps(said), media_type=JSON)

    def _in_charge(self) -> Model:
        if (model := self._versions.current) is None:
            raise NotReadyProblem("no version is loaded yet", {"Retry-After": "1"})
        return model

    async def _answers(
        self, request: Request, model: Model, asked: PredictRequest
    ) -> Sequence[Answer]:
        reasons = asked.parameters.reasons
        if not model.is_slow and len(asked.instances) == 1:
            return [await model.answer(asked.instances[0], reasons=reasons)]
        work = _all(model, asked)
        # What takes a turn of the loop is answered before a client could be seen to leave.
        return await (unless_left(request, work) if model.is_slow else work)


async def _all(model: Model, asked: PredictRequest) -> list[Answer]:
    """Answer each instance; the first that fails ends the others."""
    reasons = asked.parameters.reasons
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(model.answer(each, reasons=reasons)) for each in asked.instances
            ]
    except BaseExceptionGroup as group_error:
        raise group_error.exceptions[0] from None
    return [task.result() for task in tasks]


async def unless_left(request: Request, work: Awaitable[Result]) -> Result:
    """Do work for a client as long as it is there.

    Args:
        request: The client's, its body read.
        work: Cancelled when the client leaves.

    Raises:
        BadRequestProblem: It left; nobody reads the answer.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise BadRequestProblem("the client left")
    finally:
        leaving.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _prediction(model: Model, request_id: str, answer: Answer) -> dict[str, Any]:
    labels = zip(model.manifest.labels, answer.probabilities, answer.decisions, strict=True)
    said: dict[str, Any] = {
        "labels": {
            label.name: {"probability": probability, "decision": decision}
            for label, probability, decision in labels
        },
        "version": model.version,
        "request_id": request_id,
    }
    if answer.features_as_of is not None:
        said["features_as_of"] = answer.features_as_of
    if answer.reasons is not None:
        said["reasons"] = answer.reasons
    return said
