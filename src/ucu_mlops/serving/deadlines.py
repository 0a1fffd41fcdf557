"""A time limit for each request, without a timer for each.

An event loop's timer costs as much as a tenth of an answer. All limits are equally long, so
requests end in the order in which they began: one task looks at the oldest now and then.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

LOOKS = 20  # within one limit: an overdue request is ended at most a twentieth of it too late


class Deadlines:
    """Ends what takes too long.

    Args:
        limit_s: Seconds that a request may take.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._running: dict[asyncio.Task[object], float] = {}  # in the order of their ends
        self._overdue: set[asyncio.Task[object]] = set()

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Limit what the current task does meanwhile.

        Raises:
            TimeoutError: It took too long and was cancelled.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        self._running[task] = asyncio.get_running_loop().time() + self._limit_s
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._overdue or task.uncancel() > 0:
                raise  # somebody else wants it to end, too
            raise TimeoutError from None
        finally:
            del self._running[task]
            self._overdue.discard(task)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._limit_s / LOOKS)
            now = asyncio.get_running_loop().time()
            for task, end in self._running.items():
                if end > now:
                    break
                if task not in self._overdue:
                    self._overdue.add(task)
                    task.cancel()
