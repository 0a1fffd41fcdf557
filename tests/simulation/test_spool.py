"""What is spooled comes back as it was, in order, and leaves nothing behind."""

import tempfile

import pandas as pd
import pyarrow as pa

from ucu_mlops.simulation.spool import Spool


def test_streams_what_was_appended(tmp_path, monkeypatch):
    """Each table comes back row for row, an empty day included, and no file is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    times = pd.date_range("2026-01-01", periods=200_000, freq="s", tz="UTC", unit="us")
    rows = pd.DataFrame({"user_id": pd.array(["u"] * len(times), dtype="str"), "at": times})
    spool = Spool()
    for part in (rows.iloc[:150_000], rows.iloc[:0], rows.iloc[150_000:]):
        spool.append("events", part)
        spool.append("others", part.head(1))
    streams = spool.readers()
    assert list(streams) == ["events", "others"]
    assert streams["events"].schema.field("at").type == pa.timestamp("us", tz="UTC")
    sizes = [batch.num_rows for batch in streams["events"]]
    assert sum(sizes) == len(rows)
    assert max(sizes) < 150_000, "a day comes in batches"
    pd.testing.assert_frame_equal(
        streams["others"].read_all().to_pandas(), rows.iloc[[0, 150_000]].reset_index(drop=True)
    )
    assert list(tmp_path.iterdir()) == []
