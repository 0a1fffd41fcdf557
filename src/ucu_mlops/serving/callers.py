"""Who asks: by an API key where keys are set, by address where not; and how often one may.

The file of keys holds a line per caller: its name and the SHA-256 of its key, never the key. A
lookup by hash takes the same time whatever part of a key was guessed.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.serving.calls import Call
from ucu_mlops.serving.problems import BusyProblem, UnauthorizedProblem

LINE = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,100})\s+(?P<hash>[0-9a-f]{64})")
BEARER = "bearer "
MOST_CALLERS = 10_000  # buckets kept; beyond, the one that was idle longest goes


def read_keys(path: Path) -> dict[str, str]:
    """Read the names of callers by the hash of their key.

    Raises:
        ConfigurationError: The file is missing, empty, or a line is not what it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the API keys cannot be read: {error}") from error
    keys = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if (match := LINE.fullmatch(line.strip())) is None:
            raise ConfigurationError(
                f"{path}, line {number} must be a caller's name and the SHA-256 of its key"
            )
        keys[match["hash"]] = match["name"]
    if not keys:
        raise ConfigurationError(f"{path} holds no key; nobody could ask")
    return keys


class Callers:
    """Tells callers apart and lets each ask so often.

    Args:
        keys: Names by hash of the key; None: anybody may ask, and is known by address.
        per_second: Requests per second and caller, on average; None: no limit.
        burst: Requests at once.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        keys: Mapping[str, str] | None,
        per_second: float | None,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._rate, self._burst, self._clock = keys, per_second, burst, clock
        self._left: dict[str, tuple[float, float]] = {}  # requests left, and when that was

    def admit(self, call: Call) -> str:
        """Name the caller.

        Raises:
            UnauthorizedProblem: No key, or none that is known.
            BusyProblem: The caller asked too often; Retry-After says when it may again.
        """
        caller = call.address if self._keys is None else self._named(call)
        if self._rate is not None:
            self._take(caller, self._rate)
        return caller

    def _named(self, call: Call) -> str:
        key = call.header("x-api-key")
        authorization = call.header("authorization")
        if authorization.lower().startswith(BEARER):
            key = authorization[len(BEARER) :].strip()
        name = (self._keys or {}).get(hashlib.sha256(key.encode()).hexdigest())
        if name is None:
            raise UnauthorizedProblem(
                "send a known key as Authorization: Bearer …", {"WWW-Authenticate": "Bearer"}
            )
        return name

    def _take(self, caller: str, rate: float) -> None:
        """Keep a bucket per caller that fills at the rate and holds the burst."""
        now = self._clock()
        left, at = self._left.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * rate)
        refused = left < 1
        self._left[caller] = (left if refused else left - 1, now)
        if len(self._left) > MOST_CALLERS:
            del self._left[next(iter(self._left))]
        if refused:
            raise BusyProblem((1 - left) / rate)
