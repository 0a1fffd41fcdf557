"""Whether the process lives, and whether it is ready: a version is loaded and answers a probe."""

import asyncio
import time

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ucu_mlops.errors import BundleError
from ucu_mlops.serving.problems import NotReadyProblem
from ucu_mlops.serving.versions import Versions

PROBED_S = 2.0  # a probe's answer holds so long: whoever asks for health must not be a load
PATIENCE_S = 5.0


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
        try:
            with self._versions.used() as model:
                now = time.monotonic()
                version, at = self._probed
                if version != model.version or now - at > PROBED_S:
                    await asyncio.wait_for(model.probe(), PATIENCE_S)
                    self._probed = (model.version, now)
        except NotReadyProblem as problem:
            return _said(503, str(problem), None)
        except (BundleError, TimeoutError) as error:
            return _said(503, f"the version fails its probe: {error}", model.version)
        return _said(200, "ready", model.version)


def _said(status: int, text: str, version: str | None) -> Response:
    content = orjson.dumps({"status": text, "version": version})
    return Response(content, status, media_type="application/json")
