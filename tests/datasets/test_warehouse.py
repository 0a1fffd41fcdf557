"""One connection for each warehouse and process; who holds the file is named."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ucu_mlops.datasets import warehouse
from ucu_mlops.errors import ConfigurationError, WarehouseError

HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""
# Ibis 12 on DuckDB 1.5: its own call, which it will rename.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")


def test_every_thread_gets_the_same_connection(connection):
    """Sixteen requests from four threads open the file once."""
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: warehouse.connect(connection), range(16)))
    assert len({id(each) for each in opened}) == 1


def test_the_same_file_by_another_path_is_the_same_warehouse(connection, monkeypatch):
    """A relative path does not open the file a second time."""
    opened = warehouse.connect(connection)
    monkeypatch.chdir(os.path.dirname(connection["database"]))  # noqa: PTH120 (a plain string)
    assert warehouse.connect(connection | {"database": "warehouse.duckdb"}) is opened


def test_a_closed_warehouse_is_opened_anew(connection):
    """What was written is there after it was given back."""
    warehouse.connect(connection).raw_sql("CREATE TABLE kept AS SELECT 1 AS one")
    warehouse.close_all()
    assert warehouse.connect(connection).list_tables() == ["kept"]


def test_settings_reach_the_engine(connection):
    """Threads are limited where the configuration says so."""
    opened = warehouse.connect(connection | {"settings": {"threads": 1}})
    assert opened.raw_sql("SELECT current_setting('threads')").fetchone() == (1,)


def test_a_file_held_by_another_process_is_refused_with_its_name(connection):
    """The message has the path, the process and what to do; afterwards it opens."""
    path = connection["database"]
    warehouse.connect(connection)  # makes the folder
    warehouse.close_all()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    message = re.escape(
        f"warehouse {path} is held by process {holder.pid}; wait until its run is over or stop it"
    )
    with pytest.raises(WarehouseError, match=f"^{message}$"):
        warehouse.connect(connection)
    holder.communicate("\n", timeout=10)
    assert warehouse.connect(connection).list_tables() == []


def test_a_file_that_is_no_warehouse_is_named(tmp_path):
    """One line, with the path."""
    path = tmp_path / "notes.duckdb"
    path.write_text("not a database, " * 1000)
    with pytest.raises(WarehouseError, match=f"^warehouse {path} cannot be opened: [^\n]+$"):
        warehouse.connect({"backend": "duckdb", "database": str(path)})


@pytest.mark.parametrize(
    "config",
    [{"backend": "sqlite", "database": "x"}, {"backend": "duckdb"}, {"database": "x", "file": "y"}],
    ids=["backend", "no database", "unknown key"],
)
def test_an_impossible_configuration_is_refused(config):
    """The key is named."""
    with pytest.raises(ConfigurationError, match=r"warehouse (needs|knows)"):
        warehouse.connect(config)
