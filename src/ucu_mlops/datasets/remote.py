"""Folders and text files in Cloud Storage, by fsspec; a path of this machine stays what it is."""

from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

REMOTE = "://"


def is_remote(address: str) -> bool:
    """Tell an address such as ``gs://BUCKET/FOLDER`` from a path."""
    return REMOTE in address


def exists(address: str) -> bool:
    """Tell whether there is such an object."""
    files, path = _found(address)
    return bool(files.exists(path))


def fetch_folder(address: str, folder: Path) -> None:
    """Copy the objects of a remote folder into a local one, which is made."""
    files, path = _found(address)
    folder.mkdir(parents=True, exist_ok=True)
    for each in files.find(path):
        (folder / PurePosixPath(each).name).write_bytes(files.cat_file(each))


def publish_folder(folder: Path, address: str, last: str) -> None:
    """Copy the files of a local folder over a remote one; objects of other names go.

    Args:
        folder: It holds files only.
        address: Where to.
        last: The file that names the others; who reads in between finds that they do not fit.
    """
    files, path = _found(address)
    old = set(files.find(path)) if files.exists(path) else set()
    new = sorted(folder.iterdir(), key=lambda each: each.name == last)
    for each in new:
        files.pipe_file(f"{path}/{each.name}", each.read_bytes())
    for gone in sorted(old - {f"{path}/{each.name}" for each in new}):
        files.rm_file(gone)


def read_text(address: str) -> str:
    """Read an object."""
    files, path = url_to_fs(address)
    return str(files.cat_file(path).decode("utf-8"))


def write_text(address: str, text: str) -> None:
    """Write an object; its readers see the old one or the new one."""
    files, path = url_to_fs(address)
    files.pipe_file(path, text.encode("utf-8"))


def _found(address: str) -> tuple[Any, str]:
    """Open a place as it is now: what was listed before is forgotten."""
    files, path = url_to_fs(address)
    files.invalidate_cache()
    return files, path
