"""Ask a server as fast as it answers.

::

    python -m bench.load PORT PATH BODY CONNECTIONS SECONDS MEDIA-TYPE

A body that ends in ``.jsonl`` holds one per line, sent in turn. Each connection sends its next
request when it has the answer to the last. Prints one line of JSON: requests per second, their
latencies in milliseconds, and how many were not answered with 200.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from time import perf_counter

import httptools
import numpy as np
import uvloop


class Connection(asyncio.Protocol):
    """Sends requests in turn, again and again."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests, self._until = requests, until
        self.latencies: list[float] = []
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read an answer, or a part of one."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Count the answer and send the next."""
        now = perf_counter()
        self.latencies.append(now - self._sent)
        self.failed += self._parser.get_status_code() != 200  # noqa: PLR2004 (OK)
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Say that there is no more."""
        self.done.set_result(None)

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent = perf_counter()
        self._transport.write(next(self._requests))


async def load(
    port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float, media: str
) -> dict[str, float]:
    """Keep so many connections busy for so long.

    Returns:
        ``rate`` (per second), ``p50_ms``, ``p99_ms``, ``failed`` and ``answered``.
    """
    requests = cycle(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in bodies
    )
    started = perf_counter()
    loop = asyncio.get_running_loop()
    busy = [
        await loop.create_connection(
            lambda: Connection(requests, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.done for _, each in busy))
    took = perf_counter() - started
    latencies = np.concatenate([each.latencies for _, each in busy]) * 1_000
    return {
        "rate": len(latencies) / took,
        "p50_ms": float(np.quantile(latencies, 0.5)),
        "p99_ms": float(np.quantile(latencies, 0.99)),
        "failed": sum(each.failed for _, each in busy),
        "answered": len(latencies),
    }


if __name__ == "__main__":
    port, path, body, connections, seconds, media = sys.argv[1:]
    read = Path(body).read_bytes()
    content = read.splitlines() if body.endswith(".jsonl") else [read]
    asked = load(int(port), path, content, int(connections), float(seconds), media)
    print(json.dumps(uvloop.run(asked)))  # noqa: T201
