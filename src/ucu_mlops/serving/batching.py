"""Instances of many requests put together into few calls of a model.

A table's rows are answered on the event loop: all that arrived in one turn of it are one call,
which takes less than handing them to a thread would. Pictures are prepared and classified beside
it::

    submit ─▶ room? ─▶ prepare (threads) ─▶ waiting ─▶ run (one thread, batches) ─▶ answer
               └▶ no: BusyProblem at once
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.options import QueueOptions
from ucu_mlops.serving.problems import BusyProblem

logger = logging.getLogger(__name__)

Run = Callable[[Sequence[Any]], Sequence[Any]]
Waiting = tuple[Any, "asyncio.Future[Any]"]
SMOOTHING = 0.1  # weight of the latest answer in how long one is expected to take


class TurnBatcher:
    """Answers in the loop's own thread what came in during one turn of it.

    Args:
        run: Answers a batch, in order.
        largest: Most items of one call.
        sized: Told the size of each batch.
    """

    def __init__(self, run: Run, largest: int, sized: Callable[[int], None]) -> None:
        self._run, self._largest, self._sized = run, largest, sized
        self._waiting: list[Waiting] = []

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        """Put an item into the batch of this turn."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer)
        self._waiting.append((item, future))
        return future

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        while part := _taken(waiting, self._largest):
            self._sized(len(part))
            try:
                answers = self._run([item for item, _ in part])
            except Exception as error:
                logger.exception("a batch of %s failed", len(part))
                _fail(part, error)
            else:
                _resolve(part, answers)


class QueueBatcher:
    """Prepares and answers beside the event loop, as much as can be answered in time.

    Args:
        prepare: Makes an item of what a request holds; called in threads.
        run: Answers a batch, in order; called in one thread.
        options: How much may wait, and how long.
        metrics: Where stages and what was dropped are counted.
    """

    def __init__(
        self, prepare: Callable[[Any], Any], run: Run, options: QueueOptions, metrics: Metrics
    ) -> None:
        self._prepare, self._run, self._options, self._metrics = prepare, run, options, metrics
        self._preparing = ThreadPoolExecutor(options.threads, "prepare")
        self._running = ThreadPoolExecutor(1, "model")
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._expected_s = 0.0  # per item that is in the house
        self._worker = asyncio.create_task(self._work())
        self.depth = 0

    async def submit(self, raw: Any) -> Any:
        """Answer one item, or refuse it at once.

        Raises:
            BusyProblem: No room, or no hope to answer in time.
        """
        expected_s = (self.depth + 1) * self._expected_s
        # Alone in the house an item is always tried: else one slow answer would close the door.
        hopeless = self.depth > 0 and expected_s * 1_000 > self._options.budget_ms
        if self.depth >= self._options.waiting or hopeless:
            raise BusyProblem(expected_s)
        self.depth += 1
        started, ahead = time.perf_counter(), self.depth
        try:
            answer = await self._answered(raw)
        except asyncio.CancelledError:
            self._metrics.dropped.add("cancelled")
            raise
        finally:
            self.depth -= 1
        took = (time.perf_counter() - started) / ahead
        self._expected_s += SMOOTHING * (took - self._expected_s) if self._expected_s else took
        return answer

    async def close(self) -> None:
        """Let the threads go; nobody waits for an answer any more."""
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker
        self._preparing.shutdown(wait=False)
        self._running.shutdown(wait=False)

    async def _answered(self, raw: Any) -> Any:
        loop = asyncio.get_running_loop()
        with self._metrics.timed("prepare"):
            # Cancelled before a thread takes it up, it leaves the threads' queue.
            item = await loop.run_in_executor(self._preparing, self._prepare, raw)
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((item, future))
        self._wake.set()
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            if self._options.gather_ms and len(self._waiting) < self._options.batch:
                await asyncio.sleep(self._options.gather_ms / 1_000)
            part = _taken(self._waiting, self._options.batch)
            if not self._waiting:
                self._wake.clear()
            if not part:
                continue
            self._metrics.batches.observe("pictures", len(part))
            items = [item for item, _ in part]
            try:
                with self._metrics.timed("model"):
                    answers = await loop.run_in_executor(self._running, partial(self._run, items))
            except Exception as error:
                logger.exception("a batch of %s failed", len(part))
                _fail(part, error)
            else:
                _resolve(part, answers)


def _taken(waiting: list[Waiting], largest: int) -> list[Waiting]:
    """Take the first ones out, without those whose client left or whose time is over."""
    part: list[Waiting] = []
    taken = 0
    for each in waiting:
        if len(part) == largest:
            break
        taken += 1
        if not each[1].done():
            part.append(each)
    del waiting[:taken]
    return part


def _resolve(part: Sequence[Waiting], answers: Sequence[Any]) -> None:
    for (_, future), answer in zip(part, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def _fail(part: Sequence[Waiting], error: Exception) -> None:
    for _, future in part:
        if not future.done():
            future.set_exception(error)
