"""Tables that grow day by day on disk, to be handed on as streams."""

import tempfile

import pandas as pd
import pyarrow as pa

_BATCH_ROWS = 1 << 17


class Spool:
    """Keeps what is appended to each table in a temporary file that soon has no name.

    A file loses its name (POSIX) as soon as it is open for writing and for reading, so nothing is
    left behind however the process ends. ``TMPDIR`` chooses the disk.
    """

    def __init__(self) -> None:
        self._sinks: dict[str, pa.NativeFile] = {}
        self._sources: dict[str, pa.NativeFile] = {}
        self._writers: dict[str, pa.RecordBatchStreamWriter] = {}

    def append(self, name: str, rows: pd.DataFrame) -> None:
        """Add rows to a table; the first rows say what columns it has.

        Args:
            name: The table's name.
            rows: One row per event, zoned times in UTC.

        Raises:
            pyarrow.ArrowInvalid: The rows have other columns than the first ones.
        """
        table = _as_arrow(rows)
        if name not in self._writers:
            self._open(name, table.schema)
        self._writers[name].write_table(table, max_chunksize=_BATCH_ROWS)

    def readers(self) -> dict[str, pa.RecordBatchReader]:
        """Close the spool and return each table as a stream, to be read once, in order."""
        for writer in self._writers.values():
            writer.close()
        for sink in self._sinks.values():
            sink.close()
        return {name: pa.ipc.open_stream(source) for name, source in self._sources.items()}

    def _open(self, name: str, schema: pa.Schema) -> None:
        with tempfile.NamedTemporaryFile() as file:
            self._sinks[name] = pa.OSFile(file.name, "wb")
            self._sources[name] = pa.OSFile(file.name, "rb")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writers[name] = pa.ipc.new_stream(self._sinks[name], schema, options=options)


def _as_arrow(rows: pd.DataFrame) -> pa.Table:
    # PyArrow takes time zones from pandas in a way that pandas warns about: Arrow's own do not.
    zoned = rows.select_dtypes("datetimetz")
    types = {name: pd.ArrowDtype(pa.timestamp("us", tz="UTC")) for name in zoned}
    return pa.Table.from_pandas(rows.astype(types), preserve_index=False).replace_schema_metadata()
