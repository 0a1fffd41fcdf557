"""Which version answers: what the source says, once it is loaded, warm and has answered a probe.

wanted ─▶ fetch ─▶ load ─▶ probe ─▶ swap ─▶ the old one drains
             └───────┴───────┴─▶ refused: the old one goes on, and it is tried again later
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import UcuMlopsError
from ucu_mlops.serving.answers import Model
from ucu_mlops.serving.metrics import Counter
from ucu_mlops.serving.problems import NotReadyProblem
from ucu_mlops.serving.source import Source

logger = logging.getLogger(__name__)

Load = Callable[[Bundle], Awaitable[Model]]
PROBES = 3  # the first calls of a network are slower: nobody should wait for them
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Held:
    """A loaded version, and whether somebody still needs it.

    Args:
        model: The version.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @contextmanager
    def used(self) -> Iterator[Model]:
        """Keep the version open meanwhile."""
        self._users += 1
        self._unused.clear()
        try:
            yield self.model
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def drain(self) -> None:
        """Close the version once nobody uses it."""
        await self._unused.wait()
        await self.model.close()


@dataclass(frozen=True)
class Refusal:
    """A version that was not taken.

    Attributes:
        version: Which one.
        again_at: The event loop's time from which on it is tried again.
        pause_s: Seconds waited; twice as many the next time.
    """

    version: str
    again_at: float
    pause_s: float


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
        self._refused: Refusal | None = None
        self._draining: set[asyncio.Task[None]] = set()
        self._held: Held | None = None

    @property
    def current(self) -> Model | None:
        """The version in charge, to be looked at; who wants an answer takes :meth:`used`."""
        return self._held.model if self._held else None

    @contextmanager
    def used(self) -> Iterator[Model]:
        """Give the version in charge, which stays open meanwhile whatever is swapped in.

        Raises:
            NotReadyProblem: None is loaded yet.
        """
        if self._held is None:
            raise NotReadyProblem("no version is loaded yet", {"Retry-After": "1"})
        with self._held.used() as model:
            yield model

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except UcuMlopsError as error:  # the ledger is away: what is loaded goes on
                logger.warning("which version to serve cannot be found out: %s", error)
            except Exception:
                logger.exception("which version to serve cannot be found out")
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
        if self._refused and self._refused.version == wanted and now < self._refused.again_at:
            return
        try:
            model = await self._opened(wanted)
        except UcuMlopsError as error:
            self._refuse(wanted, str(error), now)
        except Exception as error:
            logger.exception("version %s cannot be opened", wanted)
            self._refuse(wanted, type(error).__name__, now)
        else:
            self._swap(model)

    async def close(self) -> None:
        """Let the version in charge and those that drain answer what they accepted."""
        if self._held is not None:
            await self._held.drain()
        await asyncio.gather(*self._draining)

    async def _opened(self, version: str) -> Model:
        bundle = await asyncio.to_thread(self._source.fetch, version)
        model = await self._load(bundle)
        try:
            for _ in range(PROBES):
                await model.probe()
        except BaseException:
            await model.close()
            raise
        return model

    def _swap(self, model: Model) -> None:
        old, self._held, self._refused = self._held, Held(model), None
        self._swaps.add("swapped")
        before = old.model.version if old else "none"
        logger.info("version %s answers, after %s", model.version, before)
        if old is not None:
            task = asyncio.create_task(old.drain())
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    def _refuse(self, version: str, why: str, now: float) -> None:
        pause = FIRST_PAUSE_S
        if self._refused is not None and self._refused.version == version:
            pause = min(2 * self._refused.pause_s, LONGEST_PAUSE_S)
        self._refused = Refusal(version, now + pause, pause)
        self._swaps.add("refused")
        stays = f"version {self.current.version} goes on" if self.current else "none answers yet"
        logger.error("version %s is refused, %s: %s", version, stays, why)
