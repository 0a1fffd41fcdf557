"""Lets the SDK's own clients, which know only TLS, reach the stand-in, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.api_core import grpc_helpers


@contextmanager
def loopback_only() -> Iterator[None]:
    """Build plain channels to 127.0.0.1, and refuse to build any other."""
    original = grpc_helpers.create_channel

    def create_channel(target: str, *_args: Any, **options: Any) -> Any:
        if not target.startswith("127.0.0.1:"):
            raise ValueError(f"a test tried to reach {target}")
        return grpc.insecure_channel(target, options=options.get("options"))

    grpc_helpers.create_channel = create_channel
    try:
        yield
    finally:
        grpc_helpers.create_channel = original
