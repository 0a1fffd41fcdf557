"""A process killed anywhere in a save leaves the old rows or the new ones, in every table."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import duckdb
import pyarrow as pa
import pytest

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.replacement import save_all
from ucu_mlops.datasets.table_spec import table_spec
from ucu_mlops.errors import DuplicateKeyError, WarehouseError

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

# One process imports, then forks a saver for each order it is given and says how it ended.
SAVER = """
import os, signal, sys, time
from ibis.backends.duckdb import Backend
import pyarrow as pa
from ucu_mlops.datasets.partitioned_tables import PartitionedTablesDataset

def rows(value, count):
    return pa.table({"id": list(range(count)), "day": pa.array([20454] * count, pa.date32()),
                     "value": [value] * count})

def die_before(statement):
    seen, run = iter(range(10_000)), Backend.raw_sql
    def raw_sql(self, *args, **kwargs):
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, *args, **kwargs)
    Backend.raw_sql = raw_sql

for line in sys.stdin:
    value, count, statement, delay = line.split()
    child = os.fork()
    if child == 0:
        dataset = PartitionedTablesDataset(
            connection={"backend": "duckdb", "database": sys.argv[1], "settings": {"threads": 2}},
            table="table_{name}", key=["id", "day"],
            partition={"column": "day", "start": "2026-01-01", "end": "2026-01-01"},
        )
        if int(statement) >= 0:
            die_before(int(statement))
        data = rows(int(value), int(count))
        dataset.save({"one": data, "two": data})
        os._exit(0)
    if float(delay):
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "saved", flush=True)
"""


@pytest.fixture
def save(connection):
    """Order a save from another process: (value, rows, statement to die before, or delay)."""
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVER, connection["database"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def order(value, count=3, *, die_before=-1, kill_after=0.0):
        saver.stdin.write(f"{value} {count} {die_before} {kill_after}\n")
        saver.stdin.flush()
        return saver.stdout.readline().strip()

    yield order
    saver.communicate(timeout=30)


@pytest.fixture
def found(connection):
    """Read (value, number of rows) of both tables."""

    def read():
        with duckdb.connect(connection["database"]) as file:
            return [
                file.sql(f"SELECT value, count(*) FROM table_{name} GROUP BY ALL").fetchall()  # noqa: S608 (our own names)
                for name in ("one", "two")
            ]

    return read


def test_a_kill_before_any_statement_leaves_all_old_or_all_new(save, found):
    """The saver dies before its first, second, … statement until it comes through alive."""
    assert save(0) == "saved"
    kills, before = 0, found()
    while save(kills + 1, die_before=kills) == "killed":
        kills += 1
        after = found()
        assert after in (before, [[(kills, 3)], [(kills, 3)]])
        before = after
    assert found() == [[(kills + 1, 3)], [(kills + 1, 3)]]
    assert kills > 10  # it died between delete and insert of either table, among others


def test_a_kill_at_any_moment_of_a_large_save_leaves_old_or_new(save, found):
    """The saver dies in the middle of copying 200,000 rows; a save after it is whole again."""
    count = 200_000
    assert save(0, count) == "saved"
    # Ever sooner, until it has died three times: a fast machine is through before a late kill.
    value, delay, kills = 0, 0.4, 0
    while kills < 3:
        value, delay = value + 1, delay * 0.7
        before = found()
        kills += save(value, count, kill_after=delay) == "killed"
        assert found() in (before, [[(value, count)], [(value, count)]])
    assert save(99, count) == "saved"
    assert found() == [[(99, count)], [(99, count)]]


def test_a_refused_save_leaves_nothing_behind(connection):
    """Nothing waits in the staging place, no transaction is open, and the next save works."""
    opened = warehouse.connect(connection)
    spec = table_spec("payments", ["id"], None, None, None)
    for rows in ({"id": [1, 1]}, {"id": [None, 2]}):
        with pytest.raises(DuplicateKeyError):
            save_all(connection, {"payments": (spec, pa.table(rows))})
    with pytest.raises(WarehouseError, match="nothing was saved: Conversion Error"):
        save_all(connection, {"payments": (spec, opened.sql("SELECT 'x'::INT AS id"))})
    assert opened.list_tables(database=("staging", "main")) == []
    save_all(connection, {"payments": (spec, pa.table({"id": [1]}))})
    assert opened.table("payments").count().to_pyarrow().as_py() == 1


@pytest.mark.parametrize(
    ("usual", "meanwhile"),
    [("2GB", "238.4 MiB"), ("64MiB", "64.0 MiB"), (None, "238.4 MiB")],
    ids=["much", "little already", "DuckDB's own"],
)
@pytest.mark.parametrize("breaks", [False, True], ids=["whole", "broken"])
def test_a_stream_gets_little_memory_and_the_rest_comes_back(connection, usual, meanwhile, breaks):
    """125 MB a thread or what is configured, if less, while batches come; then all of it again."""
    config = connection | {
        "settings": {"threads": 2} | ({"memory_limit": usual} if usual else {}),
    }
    opened = warehouse.connect(config)
    seen = []

    def limit():
        with opened.con.cursor() as cursor:
            return cursor.sql("SELECT current_setting('memory_limit')").fetchone()[0]

    def batches():
        seen.append(limit())
        yield pa.record_batch({"id": [1]})
        if breaks:
            raise OSError("the source is gone")

    before, spec = limit(), table_spec("payments", ["id"], None, None, None)
    rows = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.int64()}), batches())
    with pytest.raises(WarehouseError, match="the source is gone") if breaks else nullcontext():
        save_all(config, {"payments": (spec, rows)})
    assert (seen, limit()) == ([meanwhile], before)


def test_threads_save_one_after_another(connection):
    """Eight saves from four threads all arrive."""
    opened = warehouse.connect(connection)

    def save(number):
        spec = table_spec(f"table_{number}", ["id"], None, None, None)
        save_all(connection, {spec.table: (spec, pa.table({"id": [number]}))})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(8)))
    assert sorted(opened.list_tables()) == [f"table_{number}" for number in range(8)]
