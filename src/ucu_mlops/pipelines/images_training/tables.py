"""The rows that a run learns from."""

import ibis
import pandas as pd

from ucu_mlops.features.period import Period


def rows_of_run(training_set: ibis.Table, period: Period) -> pd.DataFrame:
    """Give the rows of the training set that was made for this day."""
    own = training_set.filter(training_set["trained_as_of"] == period.as_of)
    frame: pd.DataFrame = own.order_by("entity_id").execute()
    return frame
