"""A list answered page by page."""

from collections.abc import Sequence
from typing import Any, TypeVar

from standins.vertex.refusals import invalid

Node = TypeVar("Node")
LARGEST = 1_000
DEFAULT = 100


def page(nodes: Sequence[Node], request: Any) -> tuple[Sequence[Node], str]:
    """Return the page that a request asks for, and the token of the next one.

    "Must be in range 1-1000, inclusive. Defaults to 100." (ListContextsRequest.page_size)
    """
    size = request.page_size or DEFAULT
    if not 1 <= size <= LARGEST:
        raise invalid(f"page_size must be in range 1-{LARGEST}, got {size}")
    start = int(request.page_token or 0)
    end = start + size
    return nodes[start:end], str(end) if end < len(nodes) else ""
