"""A model bundle as a folder: ``bundle.json`` and exactly the files it names, no pickles.

Writing fills a hidden sibling and swaps it in with renames::

    .NAME.new ─▶ NAME ─▶ .NAME.previous ─▶ gone

A process killed anywhere leaves the old bundle or the new one: between the two renames the old one
lies aside, and the next read or write puts it back. One process writes a given folder at a time.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.errors import BundleError

MANIFEST = "bundle.json"
SUFFIXES = (".json", ".onnx", ".safetensors", ".txt")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# A binary pickle's protocol and first opcode, or the zip that torch wraps around one. The third
# byte keeps apart a safetensors file: it begins with its header's length, so has a zero there.
PICKLE = re.compile(rb"\x80[\x02-\x05][\x20-\xff]|PK\x03\x04")


@dataclass(frozen=True)
class Draft:
    """A bundle that is not in a folder yet.

    Attributes:
        manifest: What it says of itself; ``files`` is filled in when it is written.
        files: Contents by file name.
    """

    manifest: Manifest
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose folder was checked.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
        version: The registry's version, where it came from one.
    """

    folder: Path
    manifest: Manifest
    version: str | None = None

    def read_bytes(self, name: str) -> bytes:
        """Read one of the files that the manifest names, and check it once more.

        Raises:
            BundleError: The manifest does not name it, or it changed since it was written.
        """
        if name not in self.manifest.files:
            raise BundleError(
                f"{self.folder} has no {name!r}; its files are {sorted(self.manifest.files)}"
            )
        content = _content(self.folder / name)
        if hashlib.sha256(content).hexdigest() != self.manifest.files[name]:
            raise BundleError(_changed(self.folder / name))
        return content


def write_bundle(draft: Draft, folder: Path) -> Bundle:
    """Put a bundle into a folder, all or nothing.

    Args:
        draft: What to write; its manifest's ``files`` are replaced by the true hashes.
        folder: Where to; what is there is replaced.

    Returns:
        The bundle as it lies there.

    Raises:
        BundleError: A file's name or content is not one that a bundle may hold.
    """
    for name, content in draft.files.items():
        _check_harmless(folder, name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in draft.files.items()}
    manifest = replace(draft.manifest, files=hashes)
    encoded = manifest.to_json().encode()

    folder.parent.mkdir(parents=True, exist_ok=True)
    _restore(folder)
    staging, aside = _sibling(folder, "new"), _sibling(folder, "previous")
    for leftover in (staging, aside):
        if leftover.exists():
            shutil.rmtree(leftover)
    staging.mkdir()
    for name, content in {**draft.files, MANIFEST: encoded}.items():
        _write_through(staging / name, content)
    if folder.exists():
        folder.replace(aside)
    staging.replace(folder)
    if aside.exists():
        shutil.rmtree(aside)
    return Bundle(folder, manifest)


def read_bundle(folder: Path, version: str | None = None) -> Bundle:
    """Open a bundle and check that it is whole.

    Args:
        folder: Where it lies.
        version: The registry's version, where it came from one.

    Raises:
        BundleError: The folder is missing, a file is missing, extra, changed or a pickle, or the
            manifest is of another schema version.
    """
    _restore(folder)
    if not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder / MANIFEST} is missing; train or fetch the bundle again")
    manifest = Manifest.from_json((folder / MANIFEST).read_bytes(), str(folder / MANIFEST))
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    if missing := sorted(set(manifest.files) - found):
        raise BundleError(f"{folder} lacks {missing}; fetch or write the bundle again")
    if extra := sorted(found - set(manifest.files)):
        raise BundleError(
            f"{folder} holds {extra}, which {MANIFEST} does not name; "
            "remove what is extra, or fetch the bundle again"
        )
    for name, expected in manifest.files.items():
        content = _content(folder / name)
        _check_harmless(folder, name, content)
        if hashlib.sha256(content).hexdigest() != expected:
            raise BundleError(_changed(folder / name))
    return Bundle(folder, manifest, version)


def revise(bundle: Bundle, **manifest_changes: Any) -> Draft:
    """Draft the same files under a changed manifest.

    Args:
        bundle: What to start from.
        manifest_changes: Fields of the manifest to replace.
    """
    files = {name: bundle.read_bytes(name) for name in bundle.manifest.files}
    return Draft(replace(bundle.manifest, **manifest_changes), files)


def _sibling(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.{role}")


def _restore(folder: Path) -> None:
    """Put back the old bundle where a killed write had only moved it aside."""
    if not folder.exists() and (aside := _sibling(folder, "previous")).exists():
        aside.replace(folder)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # else a power cut after the renames leaves empty files


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error}); fetch the bundle again") from error


def _changed(path: Path) -> str:
    return f"{path} is not what {MANIFEST} says (SHA-256 differs); fetch or write the bundle again"


def _check_harmless(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    if not FILE_NAME.fullmatch(name) or name == MANIFEST:
        raise BundleError(f"{path} is no name for a bundle's file; use letters, digits, _ . -")
    if path.suffix not in SUFFIXES:
        raise BundleError(f"{path}: a bundle holds {SUFFIXES} only, no pickles; export it instead")
    if PICKLE.match(content):
        raise BundleError(f"{path} is a pickle, which runs code when loaded; export it instead")
