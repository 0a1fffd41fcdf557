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
from urllib.parse import unquote

import fsspec
from fsspec.core import split_protocol

from ucu_mlops.images.decoding import RefusedError
from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import COUNT, NOT_NEGATIVE, check_numbers, check_words, refuse

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
        max_bytes: Size above which an object is not taken in.
    """

    places: tuple[str, ...]
    concurrency: int = 16
    attempts: int = 4
    pause_s: float = 0.2
    max_bytes: int = 30_000_000

    def __post_init__(self) -> None:
        """Refuse a reader that reads nothing."""
        section = "images.store"
        check_words(self, section, FILE, "places")
        object.__setattr__(self, "places", tuple(self.places))
        if not self.places:
            refuse(section, "places", FILE, "a list of folders or URLs", self.places)
        check_numbers(
            self,
            section,
            FILE,
            concurrency=COUNT,
            attempts=COUNT,
            pause_s=NOT_NEGATIVE,
            max_bytes=COUNT,
        )


def version_of(uri: str, options: ObjectOptions) -> str:
    """Give what changes when the object changes: its ETag or generation, or time and size.

    Raises:
        RefusedError: It is missing, too large, lies elsewhere than allowed, or its store does not
            answer.
    """

    def ask(store: fsspec.AbstractFileSystem, path: str) -> str:
        facts: dict[str, Any] = store.info(path)
        if facts.get("type") == "directory":
            raise FileNotFoundError(path)
        _check_size(facts.get("size") or 0, options)
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
        _check_size(len(content), options)  # not every store told before
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
            if _resolved(uri).is_relative_to(_resolved(place)):
                return True
        elif protocol == theirs and path.startswith(root.rstrip("/") + "/"):
            plain = unquote(path)
            return bool(posixpath.normpath(plain) == plain)
    return False


def _resolved(uri: str) -> Path:
    """Follow links from where the store would look: it knows ``~`` and ``file:``."""
    _, path = fsspec.core.url_to_fs(uri)
    return Path(path).resolve()


def _check_size(size: int, options: ObjectOptions) -> None:
    if size > options.max_bytes:
        raise RefusedError("too_large", f"{size} bytes, {options.max_bytes} are allowed")


def _persistently(
    uri: str,
    options: ObjectOptions,
    ask: Callable[[fsspec.AbstractFileSystem, str], Result],
) -> Result:
    if not is_allowed(uri, options.places):
        raise RefusedError("place_not_allowed", f"{uri} is not below {list(options.places)}")
    attempt = 1
    while True:
        try:
            return ask(*fsspec.core.url_to_fs(uri))
        except RefusedError:
            raise
        except Exception as error:  # each store's client fails with classes of its own
            if _is_missing(error):
                raise RefusedError("missing", uri) from error
            if attempt == options.attempts or isinstance(error, PermissionError):
                raise RefusedError("unreachable", f"{uri}: {error!r}") from error
        time.sleep(options.pause_s * 2 ** (attempt - 1))
        attempt += 1


def _is_missing(error: Exception) -> bool:
    """Tell what is not there from a store that falters: fsspec's HTTP calls both not found."""
    if isinstance(error, FileNotFoundError):
        return error.__cause__ is None or isinstance(error.__cause__, FileNotFoundError)
    return isinstance(error, IsADirectoryError)
