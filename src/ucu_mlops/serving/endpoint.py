"""A request → instances → the version in charge → recorded → answer, whatever the protocol is."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, Protocol, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ucu_mlops.serving.answers import Answer, Model
from ucu_mlops.serving.bodies import read_body
from ucu_mlops.serving.callers import Callers
from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.options import LimitOptions
from ucu_mlops.serving.problems import (
    BadRequestProblem,
    BusyProblem,
    Problem,
    TimeoutProblem,
    TooLargeProblem,
)
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.schemas import PredictRequest
from ucu_mlops.serving.versions import Versions

Result = TypeVar("Result")
JSON = "application/json"
BUSY_S = 1.0


class Dialect(Protocol):
    """How a protocol spells one request and its answer."""

    def read(self, body: bytes, request: Request, model: Model) -> PredictRequest:
        """Read what is asked.

        Raises:
            Problem: It is not what the protocol says, or another model is meant.
        """
        ...

    def say(self, model: Model, answered: Sequence[tuple[str, Answer]]) -> dict[str, Any]:
        """Spell the answers, each with its request id."""
        ...


class PredictEndpoint:
    """Answers predictions.

    Args:
        versions: Has the version in charge.
        callers: Says who asks.
        recorder: Writes answers down before they go out.
        metrics: Where stages and decisions are counted.
        limits: What one caller may ask.
    """

    def __init__(
        self,
        versions: Versions,
        callers: Callers,
        recorder: Recorder,
        metrics: Metrics,
        limits: LimitOptions,
    ) -> None:
        self._versions, self._callers, self._recorder = versions, callers, recorder
        self._metrics, self._limits = metrics, limits
        # Unique without asking anybody: of this start of the process, and counted.
        self._start, self._numbers = secrets.token_hex(8), count()
        self.in_flight = 0

    def speaking(
        self, dialect: Callable[[], Dialect], route: str
    ) -> Callable[[Request], Awaitable[Response]]:
        """Give the endpoint of a protocol, whose answers are counted under a route's name."""

        async def endpoint(request: Request) -> Response:
            status = 500
            try:
                response = await self._admitted(request, dialect())
                status = response.status_code
            except Problem as problem:
                status = problem.status
                raise
            finally:
                self._metrics.requests.add(route, str(status))
            return response

        return endpoint

    async def _admitted(self, request: Request, dialect: Dialect) -> Response:
        """Refuse at once what there is no room for: nothing of it is read."""
        caller = self._callers.admit(request)
        if self.in_flight >= self._limits.in_flight:
            raise BusyProblem(BUSY_S)
        self.in_flight += 1
        try:
            return await self._answered(request, dialect, caller)
        finally:
            self.in_flight -= 1

    async def _answered(self, request: Request, dialect: Dialect, caller: str) -> Response:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                body = await read_body(request, self._limits)
                with self._versions.used() as model:
                    with self._metrics.timed("parse"):
                        asked = self._within(dialect.read(body, request, model))
                    answers = await _answers(request, model, asked)
        except TimeoutError as error:
            self._metrics.dropped.add("timeout")
            raise TimeoutProblem(
                f"no answer within {self._limits.timeout_s:g} seconds; try again later"
            ) from error
        answered = [(f"{self._start}-{next(self._numbers):x}", each) for each in answers]
        with self._metrics.timed("record"):
            self._recorder.record(model, answered, caller, time.perf_counter() - started)
        content = orjson.dumps(dialect.say(model, answered))
        self._metrics.stages.observe("whole", time.perf_counter() - started)
        return Response(content, media_type=JSON)

    def _within(self, asked: PredictRequest) -> PredictRequest:
        if len(asked.instances) > self._limits.instances:
            raise TooLargeProblem(
                f"a request may have {self._limits.instances} instances, got {len(asked.instances)}"
            )
        return asked


async def _answers(request: Request, model: Model, asked: PredictRequest) -> Sequence[Answer]:
    if len(asked.instances) == 1 and not model.is_slow:
        # What takes a turn of the loop is answered before a client could be seen to leave.
        return [await model.answer(asked.instances[0], reasons=asked.parameters.reasons)]
    return await unless_left(request, _all(model, asked))


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
