"""Which version answers: what the source says, once it is loaded, warm and has answered a probe.

wanted ─▶ fetch ─▶ load ─▶ probe ─▶ swap ─▶ the old one drains
             └───────┴───────┴─▶ refused: the old one goes on, and it is tried again later
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import UcuMlopsError
from ucu_mlops.serving.answers import Model
from ucu_mlops.serving.metrics import Counter
from ucu_mlops.serving.source import Source

logger = logging.getLogger(__name__)

Load = Callable[[Bundle], Awaitable[Model]]
PROBES = 3  # the first calls of a network are slower: nobody should wait for them
LONGEST_PAUSE_S = 60.0


class Versions:
    """Keeps the wanted version loaded.

    Args:
        source: Says which it is.
        load: Opens a bundle.
        swaps: Counts changes by ``outcome`` (``swapped``, ``refused``).
        poll_s: Seconds between two looks.
    """

    def __init__(self, source: Source, load: Load, swaps: Counter, poll_s: float) -> None:
        self._source, self._load, self._swaps, self._poll_s = source, load, swaps, poll_s
        self._refused: tuple[str, float, float] | None = None  # version, when again, pause
        self._draining: set[asyncio.Task[None]] = set()
        self.current: Model | None = None

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except UcuMlopsError as error:  # the ledger is away: what is loaded goes on
                logger.warning("which version to serve cannot be found out: %s", error)
            await asyncio.sleep(self._poll_s)

    async def refresh(self) -> None:
        """Look once, and change versions if another one is wanted.

        Raises:
            ReleaseError: It cannot be found out which is wanted.
        """
        wanted = await asyncio.to_thread(self._source.wanted)
        if wanted is None or (self.current is not None and wanted == self.current.version):
            self._refused = None
            return
        now = asyncio.get_running_loop().time()
        if self._refused and self._refused[0] == wanted and now < self._refused[1]:
            return
        try:
            model = await self._opened(wanted)
        except UcuMlopsError as error:
            self._refuse(wanted, error, now)
        else:
            self._swap(model)

    async def close(self) -> None:
        """Let the version in charge and those that drain answer what they accepted."""
        if self.current is not None:
            await self.current.close()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._draining)

    async def _opened(self, version: str) -> Model:
        bundle = await asyncio.to_thread(self._source.fetch, version)
        model = await self._load(bundle)
        try:
            for _ in range(PROBES):
                await model.probe()
        except UcuMlopsError:
            await model.close()
            raise
        return model

    def _swap(self, model: Model) -> None:
        old, self.current, self._refused = self.current, model, None
        self._swaps.add("swapped")
        logger.info("version %s answers, after %s", model.version, old.version if old else "none")
        if old is not None:
            # Whoever asked the old one has it in hand; its queue is answered, then it goes.
            task = asyncio.create_task(old.close())
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    def _refuse(self, version: str, error: UcuMlopsError, now: float) -> None:
        known = self._refused is not None and self._refused[0] == version
        pause = min(2 * self._refused[2], LONGEST_PAUSE_S) if known and self._refused else 1.0
        self._refused = (version, now + pause, pause)
        self._swaps.add("refused")
        stays = f"version {self.current.version} goes on" if self.current else "none answers yet"
        logger.error("version %s is refused, %s: %s", version, stays, error)
