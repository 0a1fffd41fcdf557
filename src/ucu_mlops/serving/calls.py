"""A request, whatever it came by: who sent it, what it holds, whether its client is still there."""

from typing import Protocol

from starlette.requests import Request

from ucu_mlops.serving.options import LimitOptions
from ucu_mlops.serving.problems import BadRequestProblem, TooLargeProblem

DIGITS = 18


class Call(Protocol):
    """What is needed of a request to answer it."""

    @property
    def address(self) -> str:
        """Where it came from, as far as that is known."""
        ...

    def header(self, name: str) -> str:
        """Return a header, named in lower case; empty if there is none."""
        ...

    async def body(self, limits: LimitOptions) -> bytes:
        """Read what it holds, no more than is allowed.

        Raises:
            TooLargeProblem: It is more.
            BadRequestProblem: The client left before the end.
        """
        ...

    async def left(self) -> None:
        """Return when the client has left; its body is read."""
        ...


class HttpCall:
    """Fills the port for HTTP.

    Args:
        request: Its body not yet read.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def address(self) -> str:
        """The client's address."""
        return self._request.client.host if self._request.client else "unknown"

    def header(self, name: str) -> str:
        """Return a header."""
        return self._request.headers.get(name, "")

    async def body(self, limits: LimitOptions) -> bytes:
        """Read the body; one that is too large is not read to its end."""
        declared = self.header("content-length") or "0"
        if not declared.isdecimal() or len(declared) > DIGITS or int(declared) > limits.body_bytes:
            raise TooLargeProblem(
                f"a body may have {limits.body_bytes} bytes, got {declared[:DIGITS]}"
            )
        parts, size, more = [], 0, True
        while more:
            message = await self._request.receive()
            if message["type"] == "http.disconnect":
                raise BadRequestProblem("the client left before the end of its body")
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > limits.body_bytes:
                raise TooLargeProblem(f"a body may have {limits.body_bytes} bytes, got more")
            parts.append(part)
        return b"".join(parts)

    async def left(self) -> None:
        """Wait for the client to hang up."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
