"""The product's scoring; it imports nothing that only training or the peer needs."""

from datetime import date
from pathlib import Path

import ibis

from ucu_mlops.bundle.scoring import SCORES, score
from ucu_mlops.bundle.store import read_bundle
from ucu_mlops.datasets.partitioned_table import PartitionedTableDataset
from ucu_mlops.features.period import Period

DAY = date(2026, 3, 31)
SETTINGS = {"threads": 1, "memory_limit": "2GB"}  # the limit that conf/base/globals.yml ships


def ours(folder: Path) -> ibis.Table:
    """Score the stored inputs with the bundle, batch by batch, into the warehouse."""
    champion = read_bundle(folder / "bundle")
    scores = table(folder, "scores")
    scores.save(score(champion, table(folder, "inputs").load(), Period(DAY, DAY)))
    return scores.load().select("entity_id", "probability")


def table(folder: Path, name: str) -> PartitionedTableDataset:
    """Return a table of the contest's warehouse."""
    columns = None
    if name == "scores":
        columns = {column: str(kind) for column, kind in ibis.Schema.from_pyarrow(SCORES).items()}
    return PartitionedTableDataset(
        table=name,
        connection={
            "backend": "duckdb",
            "database": str(folder / "warehouse.duckdb"),
            "settings": SETTINGS,
        },
        key=["entity_id", "as_of"],
        columns=columns,
        partition={"column": "as_of", "start": DAY, "end": DAY},
    )
