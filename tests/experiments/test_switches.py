"""Switches of variants in the ledger's file."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.experiments.switches import Switch, off
from ucu_mlops.release.moves import override

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


def switch(on, variant="candidate", **changed):
    """Make a turn."""
    given = {"experiment": "newer", "who": "a test", "why": "so", "at": AT}
    return Switch(variant=variant, on=on, **{**given, **changed})


def test_the_last_turn_counts(tmp_path):
    """Off, on and off again is off; another variant is not touched; the ledger lies beside it."""
    path = tmp_path / "data/ledger.db"
    switches = SqliteSwitches(path)
    assert switches.turned() == []
    assert [switches.turn(switch(on)) for on in (False, True, False)] == [True, True, True]
    override(SqliteLedger(path), "scam", "1", "a test", "so", AT)
    assert off(switches.turned()) == {("newer", "candidate")}
    assert [each.on for each in switches.turned()] == [False, True, False]
    assert switches.turned()[0] == switch(on=False)


def test_what_stands_so_already_is_not_turned(tmp_path):
    """On is where everything begins; repeating a turn writes nothing."""
    switches = SqliteSwitches(tmp_path / "ledger.db")
    assert not switches.turn(switch(on=True))
    assert switches.turn(switch(on=False))
    assert not switches.turn(switch(on=False, why="again"))
    assert [each.why for each in switches.turned()] == ["so"]


def test_of_many_at_once_one_turns(tmp_path):
    """Sixteen that turn the same variant off at the same moment make one turn."""
    switches = SqliteSwitches(tmp_path / "ledger.db")
    with ThreadPoolExecutor(16) as pool:
        turned = list(pool.map(switches.turn, [switch(on=False)] * 16))
    assert sum(turned) == 1
    assert len(switches.turned()) == 1


@pytest.mark.parametrize(
    "changed",
    [{"who": " "}, {"why": ""}, {"experiment": ""}, {"at": datetime(2026, 4, 1)}],  # noqa: DTZ001
)
def test_nobody_turns_without_a_name_and_a_reason(changed):
    """Who, why and when are asked for, in one line."""
    with pytest.raises(ConfigurationError, match=r"must"):
        switch(on=False, **changed)


def test_a_file_that_is_no_ledger_is_said(tmp_path):
    """One line names the file."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all, not even a small one" * 100)
    with pytest.raises(ReleaseError, match=r"ledger\.db"):
        SqliteSwitches(path).turned()
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (x)")
    assert SqliteSwitches(other).turned() == []
