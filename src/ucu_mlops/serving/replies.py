"""What goes back: an answer's bytes, or one line that says what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from starlette.types import Send

JSON = "application/json"
UNTOLD = "something went wrong here; it is logged"


@dataclass(frozen=True)
class Said:
    """An answer, spelled.

    Attributes:
        content: Its bytes.
        headers: Of HTTP.
        media: Its media type.
    """

    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON


def told(message: str) -> bytes:
    """Spell an error."""
    return orjson.dumps({"error": message})


async def reply(send: Send, status: int, said: Said) -> None:
    """Send an answer."""
    head = [
        (b"content-type", said.media.encode()),
        (b"content-length", str(len(said.content)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in said.headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": said.content})
