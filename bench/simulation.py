"""Measure a simulated past saved into a warehouse: users, events, seconds, peak memory.

::

    python -m bench.simulation --users 200000 --days 30
"""

import argparse
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from kedro.config import OmegaConfigLoader

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.partitioned_tables import PartitionedTablesDataset
from ucu_mlops.pipelines.simulation.nodes import simulate_past
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.settings import CONFIG_LOADER_ARGS
from ucu_mlops.simulation.history import HistoryOptions
from ucu_mlops.simulation.moderators import ModeratorOptions
from ucu_mlops.simulation.platform import PlatformOptions

CONF = Path(__file__).parents[1] / "conf"
START = date(2026, 1, 1)
CAPACITY = 0.003  # cases a day per user, as at the default size


def main() -> None:
    """Play, save and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    end = START + timedelta(days=asked.days - 1)
    capacity = round(asked.users * CAPACITY)
    with tempfile.TemporaryDirectory() as folder:
        declared = OmegaConfigLoader(
            str(CONF), env="base", runtime_params={"end": str(end)}, **CONFIG_LOADER_ARGS
        )["catalog"]["source_tables"]
        connection = declared["connection"] | {"database": f"{folder}/warehouse.duckdb"}
        began = time.perf_counter()
        past = simulate_past(
            PlatformOptions(start=START, users=asked.users),
            ModeratorOptions(capacity=capacity),
            ReviewOptions(capacity=capacity),
            HistoryOptions(end=end),
        )
        played = time.perf_counter()
        PartitionedTablesDataset(
            connection=connection, tables=declared["tables"], partition=declared["partition"]
        ).save(past["source_tables"])
        saved = time.perf_counter()
        tables = ("sessions", "messages", "reports")
        opened = warehouse.connect(connection)
        events = sum(opened.table(name).count().execute() for name in tables)
        warehouse.close_all()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(  # noqa: T201 (what the command is for)
        f"{asked.users:,} users, {asked.days} days, {events:,} events: played in "
        f"{played - began:.0f} s, saved in {saved - played:.0f} s, peak memory {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
