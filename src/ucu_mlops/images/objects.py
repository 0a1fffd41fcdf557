"""Stored objects by URI: many at once, from allowed places only, tried again when a store falters.

URIs → allowed? → (bytes, version) or a refusal, in the order asked for
"""

import posixpath
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.core import split_protocol

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.decoding import RefusedError

Result = TypeVar("Result")
LOCAL = (None, "file", "local")


@dataclass(frozen=True)
class ObjectOptions:
    """Where pictures may lie, and how hard to try.

    Attributes:
        places: Folders or URL prefixes below which objects may be read; nothing else is.
        concurrency: Objects read at once.
        attempts: How often a store that falters is asked.
        pause_s: Seconds before the second attempt; doubles with each further one.
    """

    places: tuple[str, ...]
    concurrency: int = 16
    attempts: int = 4
    pause_s: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a reader that reads nothing."""
        object.__setattr__(self, "places", tuple(self.places))
        if not self.places:
            raise ConfigurationError(
                f"images.store.places must list folders or URLs, got {self.places!r}"
            )
        for key in ("concurrency", "attempts"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(
                    f"images.store.{key} must be a whole number from 1, got {value!r}"
                )


def version_of(uri: str, options: ObjectOptions) -> str:
    """Give what changes when the object changes: its ETag or generation, or time and size.

    Raises:
        RefusedError: It is missing, lies elsewhere than allowed, or its store does not answer.
    """

    def ask(store: fsspec.AbstractFileSystem, path: str) -> str:
        facts: dict[str, Any] = store.info(path)
        if facts.get("type") == "directory":
            raise FileNotFoundError(path)
        known = facts.get("generation") or facts.get("etag") or facts.get("ETag")
        return str(known or f"{facts.get('mtime', facts.get('created', ''))}-{facts.get('size')}")

    return _persistently(uri, options, ask)


def read_object(uri: str, options: ObjectOptions) -> bytes:
    """Read an object whole.

    Raises:
        RefusedError: It is missing, lies elsewhere than allowed, or its store does not answer.
    """

    def ask(store: fsspec.AbstractFileSystem, path: str) -> bytes:
        content: bytes = store.cat_file(path)
        return content

    return _persistently(uri, options, ask)


def each_at_once(
    ask: Callable[[str], Result], uris: Sequence[str], options: ObjectOptions
) -> Iterator[Result | RefusedError]:
    """Ask for many URIs at once; answers come in order, and few wait in memory.

    Args:
        ask: Reads one; a refusal becomes its answer.
        uris: Which.
        options: How many at once.
    """

    def answer(uri: str) -> Result | RefusedError:
        try:
            return ask(uri)
        except RefusedError as refusal:
            return refusal

    waiting = iter(uris)
    with ThreadPoolExecutor(options.concurrency) as pool:
        ahead = [pool.submit(answer, uri) for uri in islice(waiting, 2 * options.concurrency)]
        while ahead:
            yield ahead.pop(0).result()
            ahead += [pool.submit(answer, uri) for uri in islice(waiting, 1)]


def is_allowed(uri: str, places: Sequence[str]) -> bool:
    """Say whether an object lies below one of the places, whatever ``..`` and links it names."""
    if "::" in uri:  # fsspec's chains read archives and caches
        return False
    protocol, path = split_protocol(uri)
    for place in places:
        theirs, root = split_protocol(place)
        if protocol in LOCAL and theirs in LOCAL:
            if Path(path).resolve().is_relative_to(Path(root).resolve()):
                return True
        elif protocol == theirs and path.startswith(root.rstrip("/") + "/"):
            return bool(posixpath.normpath(path) == path)
    return False


def _persistently(
    uri: str,
    options: ObjectOptions,
    ask: Callable[[fsspec.AbstractFileSystem, str], Result],
) -> Result:
    if not is_allowed(uri, options.places):
        raise RefusedError("place_not_allowed", f"{uri} is not below {list(options.places)}")
    pause = options.pause_s
    for attempt in range(1, options.attempts + 1):
        try:
            store, path = fsspec.core.url_to_fs(uri)
            return ask(store, path)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise RefusedError("missing", uri) from error
        except (OSError, ValueError) as error:
            if attempt == options.attempts or isinstance(error, PermissionError | ValueError):
                raise RefusedError("unreachable", f"{uri}: {error}") from error
        time.sleep(pause)
        pause *= 2
    raise AssertionError
