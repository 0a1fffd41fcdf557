"""What servers wrote down is read once it is whole, and put aside once nobody writes it."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.adapters import request_spool
from ucu_mlops.adapters.request_spool import RequestSpool, SpoolFile
from ucu_mlops.serving.spool import Spool

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAY = AT.date()


@pytest.fixture
def spool(tmp_path) -> RequestSpool:
    """A spool without a folder yet."""
    return RequestSpool("scam", tmp_path / "scam")


def put(spool: RequestSpool, name: str, content: bytes) -> None:
    """Leave a file behind, as a killed server does."""
    path = spool.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_spool_that_is_not_there_yet_is_empty(spool):
    """Before the first request there is no folder, and nothing to read."""
    assert spool.files(DAY) == []


def test_a_file_is_finished_when_its_server_is_gone(spool):
    """While a server has it open only its whole lines are there; when it has closed it, all."""
    writer = Spool(spool.folder)
    writer.append(AT, [{"a": 1}, {"a": 2}])
    (found,) = spool.files(DAY)
    assert (found.size, found.finished) == (16, False)
    spool.retire([found])
    assert spool.files(DAY) == [found]
    writer.close()
    (found,) = spool.files(DAY)
    assert (found.size, found.finished) == (16, True)


def test_what_a_server_is_writing_is_read_up_to_its_last_whole_line(spool):
    """The rest of the line is read when it is there."""
    writer = Spool(spool.folder)
    writer.append(AT, [{"a": 1}])
    path = spool.folder / spool.files(DAY)[0].name
    with path.open("ab") as file:
        file.write(b'{"b": ' + b"x" * 200_000)
    (found,) = spool.files(DAY)
    assert [line.content for line in spool.lines(found)] == [b'{"a":1}\n']
    writer.close()


def test_a_file_that_was_only_opened_waits(spool):
    """A server that has not locked its file yet loses nothing: an empty file is left alone."""
    put(spool, "2026-04-01/1-a.jsonl", b"")
    assert spool.files(DAY) == []


def test_no_file_is_opened_twice(spool):
    """After an error, and when the clock went back over midnight, a server goes on in a new one."""
    writer = Spool(spool.folder)
    for at in (AT, AT.replace(day=2), AT):
        writer.append(at, [{}])
    writer.close()
    assert len({each.name for each in spool.files(date(2026, 4, 2))}) == 3


def test_later_days_wait(spool):
    """As of a day its files and older ones are read, whatever else lies there is not."""
    for day in ("2026-03-31", "2026-04-01", "2026-04-02", "notes"):
        put(spool, f"{day}/1-a.jsonl", b"{}\n")
    names = [each.name for each in spool.files(DAY)]
    assert names == ["2026-03-31/1-a.jsonl", "2026-04-01/1-a.jsonl"]


def test_what_is_put_aside_is_kept_and_not_read_again(spool):
    """Its bytes lie beside, and putting it aside again does nothing."""
    put(spool, "2026-04-01/1-a.jsonl", b"{}\n")
    found = spool.files(DAY)
    spool.retire(found)
    spool.retire(found)
    assert spool.files(DAY) == []
    assert (spool.folder / "2026-04-01/1-a.jsonl.ingested").read_bytes() == b"{}\n"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 8))
def test_lines_are_the_file(tmp_path_factory, content, longest):
    """Put together, lines are the bytes; none is longer than a record may be."""
    spool = RequestSpool("scam", tmp_path_factory.mktemp("spool"))
    put(spool, "2026-04-01/1-a.jsonl", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_spool, "LONGEST_LINE", longest)
        file = SpoolFile("2026-04-01/1-a.jsonl", len(content), finished=True)
        lines = list(spool.lines(file))
    assert b"".join(line.content for line in lines) == content
    assert all(len(line.content) <= longest for line in lines)
    assert [content[line.start :].startswith(line.content) for line in lines] == [True] * len(lines)
