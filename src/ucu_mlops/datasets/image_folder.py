"""A folder of labelled pictures as the tables that an environment has elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Never

import ibis
import ibis.expr.types as ir
from kedro.io import AbstractDataset

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.folder_source import read_folder

TABLES = ("uploads", "image_labels")


class ImageFolderDataset(AbstractDataset[Never, ir.Table]):
    """Loads one of the tables that a folder of pictures and labels stands for; saves nothing.

    Example:
        ```yaml
        uploads:
          type: ucu_mlops.datasets.image_folder.ImageFolderDataset
          folder: ${runtime_params:source_dir}
          table: uploads
          labels: [qr_code, linear_barcode]
        ```

    Args:
        folder: Holds ``images/`` and ``labels.csv``; the data set never writes there.
        table: ``uploads`` or ``image_labels``, as
            :func:`ucu_mlops.images.folder_source.read_folder` gives them.
        labels: What the pictures were labelled for.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(
        self,
        *,
        folder: str,
        table: str,
        labels: Sequence[str],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if table not in TABLES:
            raise ConfigurationError(f"table must be one of {TABLES}, got {table!r}")
        self._folder, self._table, self._labels = Path(folder), table, tuple(labels)
        self.metadata = metadata

    def load(self) -> ir.Table:
        """Read the table.

        Raises:
            DataError: The folder is missing, or its ``labels.csv`` is missing or wrong.
        """
        return ibis.memtable(read_folder(self._folder, self._labels)[self._table])

    def save(self, data: Never) -> None:
        """Refuse: the files belong to somebody else."""
        raise DataError(f"folder {self._folder} is only read; save {type(data).__name__} elsewhere")

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder), "table": self._table}
