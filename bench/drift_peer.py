"""What most would write: Evidently's data-drift preset, as it comes, on pandas frames."""

from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset


def evidently(folder: Path) -> pd.DataFrame:
    """Compare the stored day with the stored reference and say of each feature if it drifts."""
    current = pd.read_parquet(folder / "inputs.parquet")
    reference = pd.read_parquet(folder / "reference.parquet")
    found = Report([DataDriftPreset()]).run(current, reference).dict()
    values = [each for each in found["metrics"] if "column" in each["config"]]
    return pd.DataFrame(
        {
            "name": [each["config"]["column"] for each in values],
            "drifts": [bool(each["value"] >= each["config"]["threshold"]) for each in values],
        }
    )
