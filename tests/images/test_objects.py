"""Stored objects are read from allowed places only, and asked for again when a store falters."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.decoding import RefusedError
from ucu_mlops.images.objects import (
    ObjectOptions,
    each_at_once,
    is_allowed,
    read_object,
    version_of,
)

CONTENT = b"a picture"


class Faltering(BaseHTTPRequestHandler):
    """Answers each path 503 as often as it says (``/pictures/2/a.jpg``), then with the object."""

    asked: dict[str, int]

    def do_GET(self) -> None:
        """Give the object, or fail."""
        self.asked[self.path] = self.asked.get(self.path, 0) + 1  # fsspec may ask HEAD and GET
        times = self.path.split("/")[2]
        if times == "missing":
            self.send_error(404)
        elif self.asked[self.path] <= int(times):
            self.send_error(503)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.send_header("ETag", "version-1")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(CONTENT)

    do_HEAD = do_GET  # noqa: N815 (http.server's name)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def store() -> Iterator[tuple[str, dict[str, int]]]:
    """Serve objects on this machine; gives the address, and how often each path was asked."""
    asked: dict[str, int] = {}
    handler = type("Handler", (Faltering,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pictures", asked
    server.shutdown()
    thread.join()
    server.server_close()


def options_for(*places: object, **more: object) -> ObjectOptions:
    """Allow places, without waiting between attempts."""
    return ObjectOptions(tuple(map(str, places)), **({"pause_s": 0.0} | more))


@pytest.mark.parametrize(("ask", "answer"), [(read_object, CONTENT), (version_of, "version-1")])
def test_a_store_that_falters_twice_is_asked_again(store, ask, answer):
    """It then answers, and that is the answer."""
    address, asked = store
    assert ask(f"{address}/2/a.jpg", options_for(address)) == answer
    assert asked["/pictures/2/a.jpg"] >= 3


@pytest.mark.parametrize("ask", [read_object, version_of])
def test_a_store_that_never_answers_is_given_up_by_name(store, ask):
    """After the attempts allowed, the picture is refused as unreachable."""
    address, asked = store
    with pytest.raises(RefusedError, match=r"unreachable: .*/99/a.jpg"):
        ask(f"{address}/99/a.jpg", options_for(address, attempts=3))
    assert 3 <= asked["/pictures/99/a.jpg"] <= 6


def test_what_is_missing_is_not_asked_for_twice(store):
    """A store that says there is no such object has answered."""
    address, asked = store
    with pytest.raises(RefusedError, match="missing"):
        read_object(f"{address}/missing/a.jpg", options_for(address))
    assert asked["/pictures/missing/a.jpg"] == 1


def test_a_store_that_nobody_runs_is_unreachable():
    """A port on which nobody listens refuses a picture, not the run."""
    options = options_for("http://127.0.0.1:1/", attempts=2)
    with pytest.raises(RefusedError, match="unreachable"):
        version_of("http://127.0.0.1:1/a.jpg", options)


def test_the_version_is_the_stores_own_where_it_has_one(store):
    """An ETag tells versions apart; a folder's file is told by time and size."""
    address, _ = store
    assert version_of(f"{address}/0/a.jpg", options_for(address)) == "version-1"


def test_a_changed_file_has_another_version(tmp_path):
    """Another size or another time of change is another version; the same file is the same."""
    file = tmp_path / "a.jpg"
    options = options_for(tmp_path)
    file.write_bytes(CONTENT)
    first = version_of(str(file), options)
    assert version_of(f"file://{file}", options) == first
    file.write_bytes(CONTENT + b"!")
    second = version_of(str(file), options)
    os.utime(file, (1, 1))
    assert len({first, second, version_of(str(file), options)}) == 3


@pytest.mark.parametrize("name", ["gone.jpg", "folder"])
def test_what_is_no_file_is_missing(tmp_path, name):
    """Neither a name without a file nor a folder is an object."""
    (tmp_path / "folder").mkdir()
    for ask in (version_of, read_object):
        with pytest.raises(RefusedError, match="missing"):
            ask(str(tmp_path / name), options_for(tmp_path))


def test_too_large_an_object_is_refused_before_it_is_read(tmp_path):
    """Its size is asked for first; a store that does not say is checked afterwards."""
    (tmp_path / "a.jpg").write_bytes(CONTENT)
    for ask in (version_of, read_object):
        with pytest.raises(RefusedError, match="too_large: 9 bytes, 8 are allowed"):
            ask(str(tmp_path / "a.jpg"), options_for(tmp_path, max_bytes=8))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an allowed folder beside a secret one, with links from one to the other."""
    for name in ("allowed", "allowed-not", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(CONTENT)
    (tmp_path / "allowed" / "link.jpg").symlink_to(tmp_path / "secret" / "a.jpg")
    (tmp_path / "allowed" / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "allowed" / "own.jpg").symlink_to(tmp_path / "allowed" / "a.jpg")
    monkeypatch.setenv("HOME", str(tmp_path / "secret"))
    monkeypatch.chdir(tmp_path / "allowed")
    return tmp_path


@pytest.mark.parametrize(
    "uri",
    [
        "{root}/secret/a.jpg",
        "{root}/allowed/../secret/a.jpg",
        "{root}/allowed-not/a.jpg",
        "{root}/allowed/link.jpg",
        "{root}/allowed/folder/a.jpg",
        "file://{root}/secret/a.jpg",
        "file:{root}/secret/a.jpg",
        "local://{root}/secret/a.jpg",
        "~/a.jpg",
        "simplecache::file://{root}/allowed/a.jpg",
        "zip://a.jpg::{root}/allowed/a.zip",
        "memory://allowed/a.jpg",
        "data:image/png;base64,AAAA",
        "no-such-store://allowed/a.jpg",
    ],
)
def test_nothing_outside_the_allowed_places_is_read(places, uri):
    """No ``..``, link, home folder, chain or other store leads out of the places."""
    options = options_for(places / "allowed")
    for ask in (version_of, read_object):
        with pytest.raises(RefusedError, match="place_not_allowed"):
            ask(uri.format(root=places), options)


@pytest.mark.parametrize("uri", ["{root}/allowed/a.jpg", "file://{root}/allowed/own.jpg", "a.jpg"])
def test_what_lies_below_an_allowed_place_is_read(places, uri):
    """By path, by URL, relative, and through a link that stays inside."""
    assert read_object(uri.format(root=places), options_for(places / "allowed")) == CONTENT


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("gs://pictures/2026/a.jpg", True),
        ("gs://pictures/a.jpg", False),
        ("gs://pictures/2026-not/a.jpg", False),
        ("gs://pictures/2026/../a.jpg", False),
        ("gs://pictures/2026/%2e%2e/a.jpg", False),
        ("s3://pictures/2026/a.jpg", False),
        ("/pictures/2026/a.jpg", False),
    ],
)
def test_a_buckets_prefix_is_a_place(uri, allowed):
    """The prefix ends at a slash, and dots do not climb out of it."""
    assert is_allowed(uri, ["gs://pictures/2026"]) is allowed


def test_answers_come_in_order_with_refusals_among_them(tmp_path):
    """Many are read at once; one that is missing does not stop the others."""
    for each in range(50):
        (tmp_path / f"{each}.jpg").write_bytes(str(each).encode())
    options = options_for(tmp_path, concurrency=4)
    uris = [str(tmp_path / f"{each}.jpg") for each in range(60)]
    found = list(each_at_once(lambda uri: read_object(uri, options), uris, options))
    assert found[:50] == [str(each).encode() for each in range(50)]
    assert [each.reason for each in found[50:]] == ["missing"] * 10


def test_few_answers_wait_in_memory(tmp_path):
    """While nobody takes answers, no more is read than twice what is read at once."""
    begun: list[str] = []
    options = options_for(tmp_path, concurrency=2)
    answers = each_at_once(begun.append, [str(each) for each in range(100)], options)
    for taken in range(1, 11):
        next(answers)
        assert len(begun) <= taken + 4
    assert list(answers) == [None] * 90


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"places": ()}, r"images.store.places must be a list of folders or URLs, got \(\)"),
        (
            {"places": ("x",), "attempts": 0},
            "images.store.attempts must be a whole number at least 1",
        ),
        ({"places": ("x",), "concurrency": True}, "images.store.concurrency must be"),
        ({"places": ("x",), "max_bytes": 0.5}, "images.store.max_bytes must be"),
    ],
)
def test_a_reader_that_reads_nothing_is_refused(raw, said):
    """One line names the key and what it may be."""
    with pytest.raises(ConfigurationError, match=said):
        ObjectOptions(**raw)
