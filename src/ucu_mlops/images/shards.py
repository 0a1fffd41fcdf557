"""Pictures decoded and resized once, kept in parts: what changed rewrites only its part.

A part is an array file, named by its content, and an index that names the array file; the index is
replaced in one move, so a reader or a crash meets the old part or the new one::

    settings.json  part-007.parquet ─▶ part-007-3f2c….npy
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import DataError
from ucu_mlops.images.decoding import Decoded, DecodingOptions, RefusedError, decode
from ucu_mlops.images.objects import ObjectOptions, each_at_once, read_object, version_of
from ucu_mlops.images.part_writer import PartWriter, replace, room_on_disk
from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import COUNT, check_numbers
from ucu_mlops.quality.hashing import hash_share

SETTINGS = "settings.json"
INDEX_TYPES = {
    "image_id": "str",
    "uri": "str",
    "version": "str",
    "sha256": "str",
    "dhash": "uint64",
    "width": "int64",
    "height": "int64",
    "format": "str",
    "brightness": "float64",
    "top": "int64",
    "left": "int64",
    "content_height": "int64",
    "content_width": "int64",
    "file": "str",
    "row": "int64",
    "reason": "str",
    "detail": "str",
}
_UNKNOWN = {name: "" if kind == "str" else 0 for name, kind in INDEX_TYPES.items()}
PASSING = ("missing", "unreachable")  # worth another try, although the object is the same
REFUSED_COLUMNS = ("image_id", "uri", "reason", "detail")
Progress = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True)
class StoreOptions:
    """How pictures are fetched and kept.

    Attributes:
        decoding: What a stored picture looks like.
        objects: Where they may lie, and how hard to try.
        parts: Parts of the store; a picture's own is fixed by its id.
    """

    decoding: DecodingOptions
    objects: ObjectOptions
    parts: int = 32

    def __post_init__(self) -> None:
        """Refuse a store without parts."""
        check_numbers(self, "images.store", FILE, parts=COUNT)


@dataclass(frozen=True)
class ShardStore:
    """Stored pictures.

    Attributes:
        folder: Where they lie.
        index: One row per picture, by ``image_id``: its ``uri``, object ``version``, ``sha256``,
            ``dhash``, ``width``, ``height`` (of the original), ``format``, ``brightness`` (0..1),
            the content's place in the stored pixels (``top``, ``left``, ``content_height``,
            ``content_width``), and ``file`` and ``row`` where its pixels lie.
    """

    folder: Path
    index: pd.DataFrame

    @classmethod
    def open(cls, folder: Path) -> "ShardStore":
        """Open a store; one that was never written is empty."""
        parts = [pd.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))]
        frame = pd.concat(parts) if parts else pd.DataFrame(columns=list(INDEX_TYPES))
        frame = frame.astype(INDEX_TYPES).sort_values("image_id")
        taken = frame[frame["reason"] == ""].drop(columns=["reason", "detail"])
        return cls(folder, taken.reset_index(drop=True))

    def pixels(self, image_ids: Sequence[str]) -> NDArray[np.uint8]:
        """Read pictures, in the order asked for.

        Returns:
            uint8, shape ``(n, side, side, channels)``.

        Raises:
            DataError: A picture is not stored, or the store was updated since it was opened.
        """
        rows = self._rows(image_ids)
        settings = _read_settings(self.folder) or {"side": 0, "channels": 1}
        shape = (len(rows), settings["side"], settings["side"], settings["channels"])
        found = np.empty(shape, dtype=np.uint8)
        for file, own in rows.groupby("file", sort=True):
            stored = _mapped(self.folder / str(file))
            found[own["place"].to_numpy()] = stored[own["row"].to_numpy(dtype=np.int64)]
        return found

    def boxes(self, image_ids: Sequence[str]) -> NDArray[np.int64]:
        """Give each picture's content: top, left, height and width, shape ``(n, 4)``."""
        columns = ["top", "left", "content_height", "content_width"]
        return self._rows(image_ids)[columns].to_numpy(dtype=np.int64)

    def _rows(self, image_ids: Sequence[str]) -> pd.DataFrame:
        rows = self.index.set_index("image_id").reindex(list(image_ids))
        if missing := list(rows.index[rows["file"].isna()]):
            raise DataError(
                f"{self.folder} does not hold {len(missing)} of the pictures, such as "
                f"{missing[0]!r}; run the pipeline that stores them, and see the quarantine"
            )
        return rows.assign(place=np.arange(len(rows)))


def update_shards(
    folder: Path,
    uploads: pd.DataFrame,
    options: StoreOptions,
    progress: Progress = lambda each, _total: each,
) -> pd.DataFrame:
    """Bring a store up to date with the uploads: fetch what is new or changed, drop what is gone.

    Args:
        folder: The store's.
        uploads: One row per picture: ``image_id`` and ``uri`` (string).
        options: How; another size or number of parts fetches everything anew.
        progress: Wraps what is looped over, given how many there are.

    Returns:
        The pictures refused, one row each: ``image_id``, ``uri``, ``reason`` (one of
        :data:`ucu_mlops.images.decoding.REASONS`), ``detail``.

    Raises:
        DataError: The disk is full; the parts written so far and the old ones stay.
    """
    with room_on_disk(folder):
        _settle(folder, options)
    wanted = uploads[["image_id", "uri"]].drop_duplicates("image_id", keep="last")
    wanted = wanted.sort_values("image_id", ignore_index=True)
    asked = each_at_once(
        lambda uri: version_of(uri, options.objects), [*wanted["uri"]], options.objects
    )
    versions = list(progress(asked, len(wanted)))
    is_there = np.array([isinstance(each, str) for each in versions], dtype=bool)
    refused = [
        _refusal(image_id, uri, "", each)
        for image_id, uri, each in zip(wanted["image_id"], wanted["uri"], versions, strict=True)
        if isinstance(each, RefusedError)
    ]
    present = wanted[is_there].assign(version=[each for each in versions if isinstance(each, str)])
    parts = (hash_share(present["image_id"], "shards") * options.parts).astype(np.int64)
    for part in progress(range(options.parts), options.parts):
        with room_on_disk(folder):
            refused += _update_part(folder, part, present[parts == part], options)
    frame = pd.DataFrame(refused, columns=list(REFUSED_COLUMNS), dtype="str")
    return frame.sort_values("image_id", ignore_index=True)


def _settle(folder: Path, options: StoreOptions) -> None:
    """Begin anew where pictures were kept otherwise."""
    settings = asdict(options.decoding) | {"parts": options.parts}
    folder.mkdir(parents=True, exist_ok=True)
    if _read_settings(folder) != settings:
        for path in sorted(folder.glob("part-*"), key=lambda path: path.suffix == ".npy"):
            path.unlink()  # an index before the pixels that it names
        replace(folder / SETTINGS, json.dumps(settings).encode())


def _update_part(
    folder: Path, part: int, wanted: pd.DataFrame, options: StoreOptions
) -> list[dict[str, Any]]:
    """Rewrite a part if it does not hold exactly what is wanted; gives what is refused.

    The rows of an index are in the order of ids, so that a part's files follow from its pictures,
    not from how they came. A refused picture is remembered, and read again when it changes.
    """
    index_path = folder / f"part-{part:03d}.parquet"
    old: list[Any] = pd.read_parquet(index_path).to_dict("records") if index_path.exists() else []
    held = {(row["image_id"], row["uri"], row["version"]): row for row in old}
    keys = list(zip(wanted["image_id"], wanted["uri"], wanted["version"], strict=True))
    if set(keys) == set(held):
        for row in old[:1]:
            _drop_others(folder, part, row["file"])  # left by an update that was killed
        return [row for row in old if row["reason"]]
    read = each_at_once(
        lambda uri: decode(read_object(uri, options.objects), options.decoding),
        [key[1] for key in keys if key not in held],
        options.objects,
    )
    rows: list[dict[str, Any]] = []
    with PartWriter(folder, part, options.decoding) as writer:
        for key in keys:
            row = held[key] if key in held else _row(*key, next(read))
            if not row["reason"]:
                stored = row.pop("pixels", None)
                pixels = _mapped(folder / row["file"])[row["row"]] if stored is None else stored
                row["row"] = writer.add(pixels)
            rows.append(row)
        name = writer.finish()
    new = pd.DataFrame(rows, columns=[*INDEX_TYPES]).assign(file=name).astype(INDEX_TYPES)
    lasting = ~new["reason"].isin(PASSING)
    replace(index_path, new[lasting].to_parquet(index=False))
    _drop_others(folder, part, name)
    return [row for row in rows if row["reason"]]


def _drop_others(folder: Path, part: int, name: str) -> None:
    for path in folder.glob(f"part-{part:03d}-*.npy"):
        if path.name != name:
            path.unlink()


def _row(image_id: str, uri: str, version: str, each: Decoded | RefusedError) -> dict[str, Any]:
    """Give an index's row of a picture, with its pixels, or of its refusal."""
    if isinstance(each, RefusedError):
        return _refusal(image_id, uri, version, each)
    top, left, height, width = each.box
    return _UNKNOWN | {
        "image_id": image_id,
        "uri": uri,
        "version": version,
        "sha256": each.sha256,
        "dhash": each.dhash,
        "width": each.width,
        "height": each.height,
        "format": each.format,
        "brightness": each.brightness,
        "top": top,
        "left": left,
        "content_height": height,
        "content_width": width,
        "pixels": each.pixels,
    }


def _refusal(image_id: str, uri: str, version: str, error: RefusedError) -> dict[str, Any]:
    known = {"image_id": image_id, "uri": uri, "version": version}
    return _UNKNOWN | known | {"reason": error.reason, "detail": error.detail}


def _mapped(path: Path) -> NDArray[np.uint8]:
    """Map a part's pixels into memory."""
    try:
        mapped: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read ({error}); open the store again, and if that does not help "
            "delete its folder and run the pipeline that stores pictures"
        ) from error
    return mapped


def _read_settings(folder: Path) -> dict[str, Any] | None:
    path = folder / SETTINGS
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
