"""The product's comparison of a day; it imports nothing that only the peer or training needs."""

import json
from datetime import date
from pathlib import Path

import pandas as pd

from ucu_mlops.datasets.partitioned_table import PartitionedTableDataset
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import day_histograms

DAY = date(2026, 3, 31)
SETTINGS = {"threads": 1, "memory_limit": "2GB"}  # the limit that conf/base/globals.yml ships
OPTIONS = DriftOptions()


def ours(folder: Path) -> pd.DataFrame:
    """Count in the warehouse, measure, and say of each feature whether it drifts."""
    reference = json.loads((folder / "reference.json").read_text())
    inputs, scores = (table(folder, name).load() for name in ("inputs", "scores"))
    histograms = day_histograms(
        reference, inputs.filter(inputs["as_of"] == DAY), scores.filter(scores["as_of"] == DAY)
    )
    drift = measure_drift(
        reference, histograms.execute(), model="bench", version="1", as_of=DAY, options=OPTIONS
    )
    features = drift[drift["kind"].ne("score")]
    return features[["name"]].assign(drifts=features["state"].eq("drift"))


def table(folder: Path, name: str) -> PartitionedTableDataset:
    """Return a table of the contest's warehouse."""
    return PartitionedTableDataset(
        table=name,
        connection={
            "backend": "duckdb",
            "database": str(folder / "warehouse.duckdb"),
            "settings": SETTINGS,
        },
        key=["entity_id", "as_of"],
        partition={"column": "as_of", "start": DAY, "end": DAY},
    )
