"""Answers that nobody waits for: made once the real one is out, and dropped first under load."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from ucu_mlops.serving.answers import Answered
from ucu_mlops.serving.options import LimitOptions
from ucu_mlops.serving.problems import Problem
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.schemas import Instance
from ucu_mlops.serving.variants import Part, Variants, check_labels

logger = logging.getLogger(__name__)

BUSY_SHARE = 0.25  # of the requests in flight that there is room for: above it nobody has time


class Shadows:
    """Answers in the shadow.

    Args:
        variants: Know who does.
        recorder: Writes the answers down.
        limits: Bound the requests in flight, and the time of an answer.
        in_flight: Tells how many requests are answered now.
    """

    def __init__(
        self,
        variants: Variants,
        recorder: Recorder,
        limits: LimitOptions,
        in_flight: Callable[[], int],
    ) -> None:
        self._variants, self._recorder = variants, recorder
        self._room, self._timeout_s = max(1, int(limits.in_flight * BUSY_SHARE)), limits.timeout_s
        self._in_flight = in_flight
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(
        self, instances: Sequence[Instance], answered: Sequence[Answered], caller: str
    ) -> None:
        """Let shadows answer what was answered; the caller is not kept waiting."""
        for instance, each in zip(instances, answered, strict=True):
            for part in self._variants.shadows_of(instance):
                if self._in_flight() > self._room or len(self._tasks) >= self._room:
                    self._variants.count(part.place, "dropped")
                    continue
                work = self._answer(part, instance, each, caller)
                task = asyncio.get_running_loop().create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(
        self, part: Part, instance: Instance, answered: Answered, caller: str
    ) -> None:
        if part.versions is None or part.versions.current is None:
            self._variants.count(part.place, "not_ready")
            return
        started, request_id = time.perf_counter(), answered.request_id
        with part.versions.used() as model:
            try:
                async with asyncio.timeout(self._timeout_s):
                    check_labels(model, answered.model)
                    answer = await model.answer(instance, reasons=False)
            except (Problem, TimeoutError) as error:
                why = str(error) or "took too long"
            except Exception as error:
                logger.exception(
                    "%s of %s cannot answer", part.place.variant, part.place.experiment
                )
                why = type(error).__name__
            else:
                self._variants.count(part.place, "shadow")
                shadow = Answered(request_id, model, answer, part.place)
                self._recorder.record([shadow], caller, time.perf_counter() - started)
                return
            self._variants.count(part.place, "failed")
            took = time.perf_counter() - started
            self._recorder.fail(request_id, model, part.place, why, caller, took)
