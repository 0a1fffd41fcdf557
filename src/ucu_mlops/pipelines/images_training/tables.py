"""Tables as frames, whether a warehouse or a folder gives them."""

from typing import Any

import pandas as pd

from ucu_mlops.features.period import Period


def fetched(table: Any) -> pd.DataFrame:
    """Fetch a warehouse's table; a folder's is a frame already."""
    frame: pd.DataFrame = table if isinstance(table, pd.DataFrame) else table.execute()
    return frame


def rows_of_run(training_set: Any, period: Period) -> pd.DataFrame:
    """Give the rows of the training set that was made for this day."""
    frame = fetched(training_set)
    of_day = pd.to_datetime(frame["trained_as_of"]).dt.date == period.as_of
    return frame[of_day].sort_values("entity_id", ignore_index=True)
