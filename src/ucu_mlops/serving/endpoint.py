"""A request → instances → the version in charge → recorded → answer, whatever the protocol is."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from ucu_mlops.serving.answers import Answered, Model
from ucu_mlops.serving.callers import Callers
from ucu_mlops.serving.calls import Call, HttpCall
from ucu_mlops.serving.deadlines import Deadlines
from ucu_mlops.serving.metrics import Counter, Metrics
from ucu_mlops.serving.options import LimitOptions
from ucu_mlops.serving.problems import (
    BadRequestProblem,
    BusyProblem,
    Problem,
    TimeoutProblem,
    TooLargeProblem,
)
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.replies import UNTOLD, Said, reply, told
from ucu_mlops.serving.schemas import Instance, Parameters, PredictRequest
from ucu_mlops.serving.shadows import Shadows
from ucu_mlops.serving.variants import Variants
from ucu_mlops.serving.versions import Versions

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
BUSY_S = 1.0


class Dialect(Protocol):
    """How a protocol spells one request and its answer.

    Attributes:
        pins: Whether the caller named the version, once it is read: then no other may answer.
    """

    pins: bool

    def read(self, body: bytes, model: Model) -> PredictRequest:
        """Read what is asked.

        Raises:
            Problem: It is not what the protocol says, or another model is meant.
        """
        ...

    def say(self, model: Model, answered: Sequence[Answered]) -> Said:
        """Spell the answers."""
        ...


class PredictEndpoint:
    """Answers predictions.

    Args:
        versions: Has the version in charge.
        variants: Know who takes part in an experiment.
        callers: Says who asks.
        recorder: Writes answers down before they go out.
        metrics: Where stages and decisions are counted.
        limits: What one caller may ask.

    Attributes:
        deadlines: Ends what takes too long, as long as somebody watches them.
        in_flight: Requests that are read or answered now.
    """

    def __init__(
        self,
        versions: Versions,
        variants: Variants,
        callers: Callers,
        recorder: Recorder,
        metrics: Metrics,
        limits: LimitOptions,
    ) -> None:
        self._versions, self._variants = versions, variants
        self._callers, self._recorder = callers, recorder
        self._metrics, self._limits = metrics, limits
        self._shadows = Shadows(variants, recorder, limits, lambda: self.in_flight)
        # Unique without asking anybody: of this start of the process, and counted.
        self._start, self._numbers = secrets.token_hex(8), count()
        self.deadlines = Deadlines(limits.timeout_s)
        self.in_flight = 0

    async def answer(self, call: Call, dialect: Dialect) -> Said:
        """Answer one request; what there is no room for is refused at once, and not read.

        Raises:
            Problem: What the caller is told instead.
        """
        caller = self._callers.admit(call)
        if self.in_flight >= self._limits.in_flight:
            raise BusyProblem(BUSY_S)
        self.in_flight += 1
        try:
            return await self._answered(call, dialect, caller)
        finally:
            self.in_flight -= 1

    async def _answered(self, call: Call, dialect: Dialect, caller: str) -> Said:
        started, observe = time.perf_counter(), self._metrics.stages.observe
        try:
            with self.deadlines.limited():
                body = await call.body(self._limits)
                with self._versions.used() as model:
                    read = time.perf_counter()
                    asked = self._within(dialect.read(body, model))
                    observe("parse", time.perf_counter() - read)
                    answered = await self._answers(call, dialect, model, asked)
        except TimeoutError as error:
            self._metrics.dropped.add("timeout")
            raise TimeoutProblem(
                f"no answer within {self._limits.timeout_s:g} seconds; try again later"
            ) from error
        done = time.perf_counter()
        self._recorder.record(answered, caller, done - started)
        observe("record", time.perf_counter() - done)
        said = dialect.say(model, answered)
        if self._variants.shadows and not dialect.pins:
            self._shadows.follow(asked.instances, answered, caller)
        observe("whole", time.perf_counter() - started)
        return said

    async def _answers(
        self, call: Call, dialect: Dialect, champion: Model, asked: PredictRequest
    ) -> list[Answered]:
        if len(asked.instances) == 1 and not champion.is_slow:
            # What takes a turn of the loop is answered before a client could be seen to leave.
            return [await self._one(dialect, champion, asked.instances[0], asked.parameters)]
        return await unless_left(call, self._all(dialect, champion, asked))

    async def _all(
        self, dialect: Dialect, champion: Model, asked: PredictRequest
    ) -> list[Answered]:
        """Answer each instance; the first that fails ends the others."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._one(dialect, champion, each, asked.parameters))
                    for each in asked.instances
                ]
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _one(
        self, dialect: Dialect, champion: Model, instance: Instance, parameters: Parameters
    ) -> Answered:
        request_id = f"{self._start}-{next(self._numbers):x}"
        reasons = parameters.reasons
        part = None if dialect.pins else self._variants.part_of(instance)
        if part is not None:
            return await self._variants.answer(
                request_id, part, champion, instance, reasons=reasons
            )
        return Answered(request_id, champion, await champion.answer(instance, reasons=reasons))

    async def close(self) -> None:
        """Drop the shadows that are still answered."""
        await self._shadows.close()

    def _within(self, asked: PredictRequest) -> PredictRequest:
        if len(asked.instances) > self._limits.instances:
            raise TooLargeProblem(
                f"a request may have {self._limits.instances} instances, got {len(asked.instances)}"
            )
        return asked


class Spoken:
    """A protocol's ASGI application.

    It needs nothing around it: errors are told here, and no middleware is paid for.

    Args:
        endpoint: Answers.
        dialect: Gives what reads one request and spells its answer.
        route: What its answers are counted as.
        requests: Counts them by ``route`` and ``status``.
    """

    def __init__(
        self,
        endpoint: PredictEndpoint,
        dialect: Callable[[Request], Dialect],
        route: str,
        requests: Counter,
    ) -> None:
        self._endpoint, self._dialect, self._route = endpoint, dialect, route
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request, status = Request(scope, receive), 200
        try:
            said = await self._endpoint.answer(HttpCall(request), self._dialect(request))
        except Problem as problem:
            status, said = problem.status, Said(told(str(problem)), problem.headers)
        except Exception:
            logger.exception("a request could not be answered")
            status, said = 500, Said(told(UNTOLD))
        self._requests.add(self._route, str(status))
        await reply(send, status, said)


async def unless_left(call: Call, work: Awaitable[Result]) -> Result:
    """Do work for a client as long as it is there.

    Args:
        call: The client's, its body read.
        work: Cancelled when the client leaves.

    Raises:
        BadRequestProblem: It left; nobody reads the answer.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(call.left())
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
