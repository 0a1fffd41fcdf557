"""Copy a bundle's folder from wherever fsspec reads: a disk, a bucket."""

import shutil
from pathlib import Path

import fsspec

from ucu_mlops.errors import ConfigurationError, ReleaseError


def fetch_folder(uri: str, folder: Path) -> None:
    """Copy the files of a folder, in place of what is there.

    Args:
        uri: A local folder, or one of a bucket such as ``gs://models/scam/7``.
        folder: Where to.

    Raises:
        ConfigurationError: What reads such URIs is not installed.
        ReleaseError: There is no such folder, or its store does not answer.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        store, path = fsspec.core.url_to_fs(uri)
        if not store.isdir(path):
            raise ReleaseError(f"{uri} is no folder; it must hold a bundle (bundle.json, …)")
        store.get(f"{path.rstrip('/')}/", f"{folder}/", recursive=True)
    except ImportError as error:
        raise ConfigurationError(f"{uri} needs {error.name}; pip install it") from error
    except OSError as error:
        raise ReleaseError(f"{uri} cannot be read: {error}") from error
