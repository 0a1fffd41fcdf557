"""One part's files, written beside the old ones, which stay when the disk is full."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import DataError
from ucu_mlops.images.decoding import DecodingOptions

HEADER = 128  # bytes: NumPy's format pads the header of such an array to this
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PartWriter:
    """Writes pictures of one size into an array file that is named by its content.

    Memory holds one picture at a time.

    Args:
        folder: The store's.
        part: The part's number.
        options: The pictures' size.
    """

    def __init__(self, folder: Path, part: int, options: DecodingOptions) -> None:
        self._folder, self._part = folder, part
        self._shape = (options.side, options.side, options.channels)
        self._path = folder / f".part-{part:03d}.new"
        self._digest, self._rows = hashlib.sha256(), 0

    def __enter__(self) -> Self:
        """Begin the file."""
        self._file = self._path.open("wb")
        self._file.write(b"\0" * HEADER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Leave nothing behind but what was finished."""
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)

    def add(self, pixels: NDArray[np.uint8]) -> int:
        """Write a picture; gives its row."""
        content = np.ascontiguousarray(pixels).tobytes()
        self._file.write(content)
        self._digest.update(content)
        self._rows += 1
        return self._rows - 1

    def finish(self) -> str:
        """Complete the file and put it in place; gives its name."""
        header = np.lib.format.header_data_from_array_1_0(np.empty((0, *self._shape), np.uint8))
        header["shape"] = (self._rows, *self._shape)
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, header)
        self._file.flush()
        os.fsync(self._file.fileno())
        name = f"part-{self._part:03d}-{self._digest.hexdigest()[:16]}.npy"
        self._path.replace(self._folder / name)
        return name


def replace(path: Path, content: bytes) -> None:
    """Put content in the place of a file, all or nothing."""
    beside = path.with_suffix(".new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def room_on_disk(folder: Path) -> Iterator[None]:
    """Say in one line that the disk is full.

    Raises:
        DataError: It is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DataError(
            f"no space left on the disk of {folder} ({error.strerror}); make room and run again: "
            "the parts written so far and the old ones stay"
        ) from error
