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

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images.decoding import Decoded, DecodingOptions, RefusedError, decode
from ucu_mlops.images.objects import ObjectOptions, each_at_once, read_object, version_of
from ucu_mlops.images.part_writer import PartWriter
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
}
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
        if isinstance(self.parts, bool) or not isinstance(self.parts, int) or self.parts < 1:
            raise ConfigurationError(
                f"images.store.parts must be a whole number from 1, got {self.parts!r}"
            )


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
        return cls(folder, frame.astype(INDEX_TYPES).sort_values("image_id", ignore_index=True))

    def pixels(self, image_ids: Sequence[str]) -> NDArray[np.uint8]:
        """Read pictures, in the order asked for.

        Returns:
            uint8, shape ``(n, side, side, channels)``.

        Raises:
            DataError: A picture is not stored.
        """
        rows = self._rows(image_ids)
        settings = _read_settings(self.folder) or {"side": 0, "channels": 1}
        shape = (len(rows), settings["side"], settings["side"], settings["channels"])
        found = np.empty(shape, dtype=np.uint8)
        for file, own in rows.groupby("file", sort=True):
            stored = np.load(self.folder / str(file), mmap_mode="r", allow_pickle=False)
            found[own["place"].to_numpy()] = stored[own["row"].to_numpy()]
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
    settings = asdict(options.decoding) | {"parts": options.parts}
    folder.mkdir(parents=True, exist_ok=True)
    if _read_settings(folder) != settings:
        for path in folder.glob("part-*"):
            path.unlink()
        _replace(folder / SETTINGS, json.dumps(settings).encode())
    wanted = uploads[["image_id", "uri"]].drop_duplicates("image_id", keep="last")
    wanted = wanted.sort_values("image_id", ignore_index=True)
    asked = each_at_once(
        lambda uri: version_of(uri, options.objects), [*wanted["uri"]], options.objects
    )
    versions = list(progress(asked, len(wanted)))
    is_there = np.array([isinstance(each, str) for each in versions], dtype=bool)
    refused = [
        (row.image_id, row.uri, each.reason, each.detail)
        for row, each in zip(wanted.itertuples(), versions, strict=True)
        if isinstance(each, RefusedError)
    ]
    present = wanted[is_there].assign(version=[each for each in versions if isinstance(each, str)])
    parts = (hash_share(present["image_id"], "shards") * options.parts).astype(np.int64)
    for part in progress(range(options.parts), options.parts):
        refused += _update_part(folder, part, present[parts == part], options)
    frame = pd.DataFrame(refused, columns=list(REFUSED_COLUMNS), dtype="str")
    return frame.sort_values("image_id", ignore_index=True)


def _update_part(
    folder: Path, part: int, wanted: pd.DataFrame, options: StoreOptions
) -> list[tuple[str, str, str, str]]:
    """Rewrite a part if it does not hold exactly what is wanted; gives what was refused."""
    index_path = folder / f"part-{part:03d}.parquet"
    old = (
        pd.read_parquet(index_path) if index_path.exists() else pd.DataFrame(columns=[*INDEX_TYPES])
    )
    keys = ["image_id", "uri", "version"]
    kept = old.merge(wanted[keys], on=keys)
    fresh = wanted[~wanted["image_id"].isin(kept["image_id"])]
    if fresh.empty and len(kept) == len(old):
        return []
    read = each_at_once(
        lambda uri: decode(read_object(uri, options.objects), options.decoding),
        [*fresh["uri"]],
        options.objects,
    )
    refused: list[tuple[str, str, str, str]] = []
    rows: list[Any] = kept.to_dict("records")
    with PartWriter(folder, part, options.decoding) as writer:
        for row in rows:
            stored = np.load(folder / row["file"], mmap_mode="r", allow_pickle=False)
            row["row"] = writer.add(stored[row["row"]])
        for (image_id, uri, version), each in zip(
            fresh[keys].itertuples(index=False, name=None), read, strict=True
        ):
            if isinstance(each, RefusedError):
                refused.append((image_id, uri, each.reason, each.detail))
            else:
                rows.append(_facts(image_id, uri, version, each) | {"row": writer.add(each.pixels)})
        if rows == old.to_dict("records"):  # every new one was refused, again
            return refused
        name = writer.finish()
    new = pd.DataFrame(rows, columns=[*INDEX_TYPES]).assign(file=name).astype(INDEX_TYPES)
    new = new.sort_values("image_id", ignore_index=True)
    beside = index_path.with_suffix(".new")
    new.to_parquet(beside, index=False)
    beside.replace(index_path)
    for path in folder.glob(f"part-{part:03d}-*.npy"):
        if path.name != name:
            path.unlink()
    return refused


def _facts(image_id: str, uri: str, version: str, each: Decoded) -> dict[str, Any]:
    top, left, height, width = each.box
    return {
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
    }


def _read_settings(folder: Path) -> dict[str, Any] | None:
    path = folder / SETTINGS
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)
