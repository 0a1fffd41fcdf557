"""Arrays by name in a folder, read where they lie: more than fits into memory may be among them."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from ucu_mlops.errors import DataError

NAME = re.compile(r"[a-z][a-z0-9_]*")

Arrays = dict[str, NDArray[Any]]


class ArraysDataset(AbstractDataset[Mapping[str, NDArray[Any]], Arrays]):
    """Saves arrays as NumPy's own files, all or none; loads them mapped into memory.

    Arrays of objects are refused, since they would be pickles.

    Example:
        ```yaml
        images.drawn:
          type: ucu_mlops.datasets.arrays.ArraysDataset
          filepath: ${globals:data_root}/05_model_input/images/drawn
        ```

    Args:
        filepath: The folder; one file ``NAME.npy`` per array.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> Arrays:
        """Map every array into memory, read-only.

        Raises:
            DataError: There are none, or a file is no array.
        """
        if not self._exists():
            raise DataError(f"{self._folder} is not there; run the pipeline that writes it first")
        return {path.stem: _mapped(path) for path in sorted(self._folder.glob("*.npy"))}

    def save(self, data: Mapping[str, NDArray[Any]]) -> None:
        """Write every array beside the folder, then put them in its place.

        Raises:
            DataError: An array's name is no file's, or it holds objects.
        """
        staging = self._folder.with_name(f".{self._folder.name}.new")
        aside = self._folder.with_name(f".{self._folder.name}.previous")
        for leftover in (staging, aside):
            shutil.rmtree(leftover, ignore_errors=True)
        staging.mkdir(parents=True)
        for name, array in data.items():
            if not NAME.fullmatch(name) or array.dtype.hasobject:
                raise DataError(f"{self._folder}: array {name!r} cannot be saved; name it a_z, "
                                f"and hold numbers or text, not {array.dtype}")  # fmt: skip
            np.save(staging / f"{name}.npy", array, allow_pickle=False)
        if self._folder.exists():
            self._folder.replace(aside)
        staging.replace(self._folder)
        shutil.rmtree(aside, ignore_errors=True)

    def _exists(self) -> bool:
        return self._folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}


def _mapped(path: Path) -> NDArray[Any]:
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no array ({error}); run the pipeline that writes it") from error
    return mapped
