"""Faults that a test orders: which call goes wrong, and how."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import grpc


class Fault(Enum):
    """What may happen to a call.

    A lost call is done, and only its answer does not arrive: the caller cannot tell it from one
    that never arrived.
    """

    UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
    QUOTA = grpc.StatusCode.RESOURCE_EXHAUSTED
    DENIED = grpc.StatusCode.PERMISSION_DENIED
    LOST = "lost"


def no_fault(_method: str) -> Fault | None:
    """Let every call through."""
    return None


@dataclass
class Faults:
    """Decides about each call.

    Attributes:
        away: While true, every call is answered UNAVAILABLE.
        choose: Asked about each call that nothing else decides.
        calls: How often each method was called, refused calls included.
    """

    away: bool = False
    choose: Callable[[str], Fault | None] = no_fault
    calls: Counter[str] = field(default_factory=Counter)
    _ordered: dict[str, list[Fault]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of a method, such as ``UpdateContext``, go wrong."""
        with self._lock:
            self._ordered.setdefault(method, []).extend([fault] * times)

    def heal(self) -> None:
        """Let everything through from here on."""
        with self._lock:
            self._ordered.clear()
        self.away, self.choose = False, no_fault

    def of(self, method: str) -> Fault | None:
        """Count a call and tell what is to happen to it."""
        with self._lock:
            self.calls[method] += 1
            if self.away:
                return Fault.UNAVAILABLE
            if ordered := self._ordered.get(method):
                return ordered.pop(0)
        return self.choose(method)
