"""Whether the process lives, and whether it is ready: a version is loaded and answers a probe."""

import asyncio
import time
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ucu_mlops.errors import BundleError
from ucu_mlops.serving.problems import NotReadyProblem
from ucu_mlops.serving.versions import Versions

PROBED_S = 2.0  # a probe's answer holds so long: whoever asks for health must not be a load
PATIENCE_S = 5.0


@dataclass(frozen=True)
class State:
    """Whether a version answers.

    Attributes:
        is_ready: Whether it does.
        said: In words.
        version: Which one; None while none is loaded.
    """

    is_ready: bool
    said: str
    version: str | None


class Health:
    """Answers health checks.

    Args:
        versions: Has the version in charge.
    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._probed: tuple[str, float] = ("", 0.0)

    async def live(self, _: Request) -> Response:
        """Say that the event loop turns."""
        return _said(200, "live", None)

    async def ready(self, _: Request) -> Response:
        """Say whether a version is loaded and answers."""
        state = await self.state()
        return _said(200 if state.is_ready else 503, state.said, state.version)

    async def state(self) -> State:
        """Tell whether a version is loaded and answers."""
        try:
            with self._versions.used() as model:
                now = time.monotonic()
                version, at = self._probed
                if version != model.version or now - at > PROBED_S:
                    await asyncio.wait_for(model.probe(), PATIENCE_S)
                    self._probed = (model.version, now)
        except NotReadyProblem as problem:
            return State(is_ready=False, said=str(problem), version=None)
        except (BundleError, TimeoutError) as error:
            said = f"the version fails its probe: {error}"
            return State(is_ready=False, said=said, version=model.version)
        return State(is_ready=True, said="ready", version=model.version)


def _said(status: int, text: str, version: str | None) -> Response:
    content = orjson.dumps({"status": text, "version": version})
    return Response(content, status, media_type="application/json")
