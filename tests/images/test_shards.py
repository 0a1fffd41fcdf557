"""A store of pictures follows the uploads, part by part, and survives a kill and a full disk."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.images import shards
from ucu_mlops.images.decoding import DecodingOptions, decode
from ucu_mlops.images.objects import ObjectOptions
from ucu_mlops.images.shards import ShardStore, StoreOptions, update_shards

COUNT, PARTS = 24, 4
UPDATE = """
import sys
from pathlib import Path
import pandas as pd
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.images.objects import ObjectOptions
from ucu_mlops.images.shards import StoreOptions, update_shards

root = Path(sys.argv[1])
options = StoreOptions(DecodingOptions(side=32), ObjectOptions((str(root),)), parts=4)
update_shards(root / "store", pd.read_parquet(root / "uploads.parquet"), options)
"""


def paint(path: Path, seed: int) -> None:
    """Write a picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


@pytest.fixture
def uploads(tmp_path: Path) -> pd.DataFrame:
    """Paint pictures; gives their table, in an order that is not of ids."""
    for each in range(COUNT):
        paint(tmp_path / f"{each:02d}.png", each)
    ids = [f"{each:02d}" for each in reversed(range(COUNT))]
    return pd.DataFrame({"image_id": ids, "uri": [str(tmp_path / f"{each}.png") for each in ids]})


@pytest.fixture
def options(tmp_path: Path) -> StoreOptions:
    """Store 32 pixels of grey in four parts, from the test's folder."""
    objects = ObjectOptions((str(tmp_path),), pause_s=0.0)
    return StoreOptions(DecodingOptions(side=32), objects, parts=PARTS)


def files(folder: Path) -> dict[str, int]:
    """Give a store's files with their times of change."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    """Give a store's files with their bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def parts_changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Name the parts of which a file was written, or is gone."""
    return {name[:8] for name, _ in set(before.items()) ^ set(after.items())}


def test_pictures_come_back_in_the_order_asked_for(tmp_path, uploads, options):
    """Each id's pixels and content box are those of its own picture, also when asked twice."""
    assert update_shards(tmp_path / "store", uploads, options).empty
    store = ShardStore.open(tmp_path / "store")
    asked = ["17", "03", "17", "22", "00"]
    expected = [decode((tmp_path / f"{each}.png").read_bytes(), options.decoding) for each in asked]
    np.testing.assert_array_equal(store.pixels(asked), [each.pixels for each in expected])
    np.testing.assert_array_equal(store.boxes(asked), [each.box for each in expected])
    assert list(store.index["image_id"]) == sorted(uploads["image_id"])
    assert store.pixels([]).shape == (0, 32, 32, 1)


def test_a_second_run_without_changes_writes_nothing(tmp_path, uploads, options):
    """Every file stays as it is."""
    update_shards(tmp_path / "store", uploads, options)
    before = files(tmp_path / "store")
    update_shards(tmp_path / "store", uploads.sample(frac=1, random_state=0), options)
    assert files(tmp_path / "store") == before


@pytest.mark.parametrize("what", ["changed", "added", "removed"])
def test_one_picture_rewrites_only_its_part(tmp_path, uploads, options, what):
    """The other parts' files keep their names and times, and the picture is as it is now."""
    update_shards(tmp_path / "store", uploads, options)
    before = files(tmp_path / "store")
    new = uploads
    if what == "changed":
        paint(tmp_path / "05.png", 99)
        os.utime(tmp_path / "05.png", (1, 1))
    elif what == "added":
        paint(tmp_path / "99.png", 99)
        new = pd.concat([uploads, uploads[:1].assign(image_id="99", uri=f"{tmp_path}/99.png")])
    else:
        new = uploads[uploads["image_id"] != "05"]
    update_shards(tmp_path / "store", new, options)
    assert len(parts_changed(before, files(tmp_path / "store"))) == 1
    assert len(files(tmp_path / "store")) == 1 + 2 * PARTS
    store = ShardStore.open(tmp_path / "store")
    assert set(store.index["image_id"]) == set(new["image_id"])
    for each in store.index["image_id"]:
        fresh = decode((tmp_path / f"{each}.png").read_bytes(), options.decoding)
        np.testing.assert_array_equal(store.pixels([each])[0], fresh.pixels)


def test_a_store_follows_from_its_pictures_not_from_how_they_came(tmp_path, uploads, options):
    """Filled at once or in three steps, with removals, its files are the same to the byte."""
    update_shards(tmp_path / "at once", uploads, options)
    for some in (uploads[:9], uploads[4:20], uploads):
        update_shards(tmp_path / "in steps", some, options)
    assert contents(tmp_path / "in steps") == contents(tmp_path / "at once")


def test_refused_pictures_are_told_each_time_and_read_once(tmp_path, uploads, options):
    """The quarantine names them again, while no file of the store is written."""
    (tmp_path / "03.png").write_bytes(b"no picture")
    (tmp_path / "04.png").write_bytes((tmp_path / "04.png").read_bytes()[:300])
    (tmp_path / "05.png").unlink()
    foreign = uploads[:1].assign(image_id="zz", uri="/etc/hostname")
    uploads = pd.concat([uploads, foreign])
    first = update_shards(tmp_path / "store", uploads, options)
    before = files(tmp_path / "store")
    again = update_shards(tmp_path / "store", uploads, options)
    assert dict(zip(first["image_id"], first["reason"], strict=True)) == {
        "03": "not_an_image",
        "04": "truncated",
        "05": "missing",
        "zz": "place_not_allowed",
    }
    pd.testing.assert_frame_equal(again, first)
    assert files(tmp_path / "store") == before
    store = ShardStore.open(tmp_path / "store")
    assert not set(store.index["image_id"]) & {"03", "04", "05", "zz"}
    with pytest.raises(DataError, match="does not hold 1 of the pictures, such as '03'"):
        store.pixels(["01", "03"])


def test_a_mended_picture_leaves_the_quarantine(tmp_path, uploads, options):
    """Once its bytes change, it is read again."""
    (tmp_path / "03.png").write_bytes(b"no picture")
    assert len(update_shards(tmp_path / "store", uploads, options)) == 1
    paint(tmp_path / "03.png", 3)
    assert update_shards(tmp_path / "store", uploads, options).empty
    assert "03" in set(ShardStore.open(tmp_path / "store").index["image_id"])


def test_another_size_fetches_everything_anew(tmp_path, uploads, options):
    """No picture of the old size stays."""
    update_shards(tmp_path / "store", uploads, options)
    larger = StoreOptions(DecodingOptions(side=48, channels=3), options.objects, parts=2)
    update_shards(tmp_path / "store", uploads, larger)
    assert ShardStore.open(tmp_path / "store").pixels(["07"]).shape == (1, 48, 48, 3)
    assert len(files(tmp_path / "store")) == 1 + 2 * 2


def test_a_store_never_written_is_empty(tmp_path, uploads, options):
    """It opens, and so does one all of whose pictures are refused, or that has none."""
    assert ShardStore.open(tmp_path / "store").index.empty
    elsewhere = StoreOptions(options.decoding, ObjectOptions(("/nowhere",)), parts=PARTS)
    assert len(update_shards(tmp_path / "store", uploads, elsewhere)) == COUNT
    assert update_shards(tmp_path / "store", uploads[:0], options).empty
    assert ShardStore.open(tmp_path / "store").index.empty


KILL_AT = """
import os, sys
calls = 0
def killing(event, arguments):
    global calls
    if event in ("open", "os.rename", "os.remove") and "store" in str(arguments[0]):
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
sys.addaudithook(killing)
"""


def test_an_update_killed_at_any_point_leaves_a_whole_store(tmp_path, uploads, options):
    """Every picture in it is the old one or the new one, and the next run finishes."""
    folder = tmp_path / "store"
    update_shards(folder, uploads, options)
    old = ShardStore.open(folder).pixels(sorted(uploads["image_id"]))
    uploads.to_parquet(tmp_path / "uploads.parquet")
    for each in range(COUNT):
        paint(tmp_path / f"{each:02d}.png", 100 + each)
        os.utime(tmp_path / f"{each:02d}.png", (1, 1))
    update_shards(tmp_path / "whole", uploads, options)
    new = ShardStore.open(tmp_path / "whole").pixels(sorted(uploads["image_id"]))
    killed, point = 0, 4
    while subprocess.run(
        [sys.executable, "-c", KILL_AT + UPDATE, str(tmp_path), str(point)], check=False
    ).returncode:
        killed, point = killed + 1, point + 13
        store = ShardStore.open(folder)
        found = store.pixels(sorted(uploads["image_id"]))
        is_new = (found == new).all(axis=(1, 2, 3))
        assert (is_new | (found == old).all(axis=(1, 2, 3))).all()
    assert killed >= 2
    assert contents(folder) == contents(tmp_path / "whole")


def test_a_full_disk_is_one_line_and_keeps_the_old(tmp_path, uploads, options):
    """What cannot be written whole is not begun; with room again the update finishes."""
    folder = tmp_path / "store"
    update_shards(folder, uploads[:8], options)
    before = contents(folder)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limit[1]))
    try:
        with pytest.raises(DataError, match=r"no space left on the disk of .*make room and run"):
            update_shards(folder, uploads, options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert contents(folder) == before
    assert len(ShardStore.open(folder).pixels([*uploads["image_id"][:8]])) == 8
    update_shards(folder, uploads, options)
    assert len(ShardStore.open(folder).index) == COUNT


def test_memory_does_not_grow_with_the_store(tmp_path, options):
    """60 pictures of 3 megabytes as stored take far less than their 180 megabytes."""
    Image.new("L", (64, 64), 90).save(tmp_path / "grey.png")
    rows = [(f"{each:03d}", str(tmp_path / "grey.png")) for each in range(60)]
    uploads = pd.DataFrame(rows, columns=["image_id", "uri"])
    uploads.to_parquet(tmp_path / "uploads.parquet")
    peak = {}
    for side in (32, 1000):
        code = (
            UPDATE.replace("side=32", f"side={side}, channels=3").replace(
                "ObjectOptions((str(root),))", "ObjectOptions((str(root),), concurrency=2)"
            )
            + "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
        )
        peak[side] = int(done.stdout)
    assert peak[1000] - peak[32] < 90  # megabytes; the pixels are 180


def test_an_older_view_of_an_updated_store_says_so(tmp_path, uploads, options):
    """Whoever opened the store before an update is told to open it again."""
    update_shards(tmp_path / "store", uploads, options)
    store = ShardStore.open(tmp_path / "store")
    for each in range(COUNT):
        paint(tmp_path / f"{each:02d}.png", 100 + each)
        os.utime(tmp_path / f"{each:02d}.png", (1, 1))
    update_shards(tmp_path / "store", uploads, options)
    with pytest.raises(DataError, match=r"cannot be read .* open the store again"):
        store.pixels(["03"])


@pytest.mark.parametrize("parts", [0, True, 1.5])
def test_a_store_without_parts_is_refused(options, parts):
    """One line names the key and what it may be."""
    with pytest.raises(ConfigurationError, match=r"images.store.parts must be a whole number"):
        StoreOptions(options.decoding, options.objects, parts=parts)


def test_many_pictures_are_stored_by_several_processes(tmp_path, uploads, options, monkeypatch):
    """Whether one process stores them or several, the store's files are the same, refusals too."""
    (tmp_path / "07.png").write_bytes(b"no picture")
    alone = update_shards(tmp_path / "alone", uploads, options)
    monkeypatch.setattr(shards, "MANY", 1)
    together = update_shards(tmp_path / "together", uploads, options)
    pd.testing.assert_frame_equal(alone, together)
    assert len(alone) == 1
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / each).iterdir()}
        for each in ("alone", "together")
    ]
    assert contents[0] == contents[1]
