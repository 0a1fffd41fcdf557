"""JSON on its way back: an answer's bytes, or one line that says what went wrong."""

from collections.abc import Mapping

import orjson
from starlette.types import Send

JSON = "application/json"
UNTOLD = "something went wrong here; it is logged"


def told(message: str) -> bytes:
    """Spell an error."""
    return orjson.dumps({"error": message})


async def reply(send: Send, status: int, content: bytes, headers: Mapping[str, str]) -> None:
    """Send JSON."""
    head = [
        (b"content-type", JSON.encode()),
        (b"content-length", str(len(content)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content})
