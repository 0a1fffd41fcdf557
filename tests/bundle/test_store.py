"""A bundle's folder holds the old bundle or the new one, and exactly what it says."""

import hashlib
import json
import pickle
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ucu_mlops.bundle.manifest import SCHEMA_VERSION
from ucu_mlops.bundle.store import Draft, read_bundle, revise, write_bundle
from ucu_mlops.errors import BundleError

WRITE_AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft, write_bundle

number = 0
while True:
    number += 1
    manifest = Manifest("scam", "model", str(number), (), (LabelSpec("scam", 0.5),))
    files = {f"part{part}.txt": f"{number}".encode() * 1_000 for part in range(8)}
    write_bundle(Draft(manifest, files), Path(sys.argv[1]))
    print(number, flush=True)
"""
WRITE_AND_STOP_AT = """
import os, sys
from pathlib import Path
from ucu_mlops.bundle.store import Draft, read_bundle, revise, write_bundle

folder, stop_at = Path(sys.argv[1]), int(sys.argv[2])
draft = revise(read_bundle(folder), as_of="new")
seen = 0

def stop(event, arguments):
    global seen
    if event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}:
        seen += 1
        if seen == stop_at:
            os._exit(9)

sys.addaudithook(stop)
write_bundle(draft, folder)
"""


def test_comes_back_as_written(draft, tmp_path):
    """What is read is what was written, and a second write replaces the first."""
    write_bundle(draft, tmp_path / "bundle")
    written = write_bundle(
        revise(read_bundle(tmp_path / "bundle"), as_of="2026-04-01"), tmp_path / "bundle"
    )
    read = read_bundle(tmp_path / "bundle")
    assert read == written
    assert read.manifest.as_of == "2026-04-01"
    assert {name: read.read_bytes(name) for name in read.manifest.files} == draft.files
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_carries_the_registry_version(draft, tmp_path):
    """A bundle knows which version it is, if somebody says so."""
    write_bundle(draft, tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle", "7").version == "7"


def changed_byte(folder):
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def named_pickle(folder):
    """Let the manifest vouch for a pickle under an innocent name."""
    (folder / "model.onnx").write_bytes(pickle.dumps({"a": 1}))
    rehash(folder)


def rehash(folder):
    raw = json.loads((folder / "bundle.json").read_text())
    raw["files"] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "bundle.json"
    }
    (folder / "bundle.json").write_text(json.dumps(raw))


def pickle_by_suffix(folder):
    (folder / "model.pkl").write_bytes(b"anything")
    rehash(folder)


def other_schema(folder):
    raw = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**raw, "schema_version": SCHEMA_VERSION + 1}))


def name_outside(folder):
    raw = json.loads((folder / "bundle.json").read_text())
    raw["files"]["../secret.txt"] = "0" * 64
    (folder / "bundle.json").write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (changed_byte, r"model\.onnx is not what bundle\.json says"),
        (lambda folder: (folder / "model.onnx").unlink(), r"lacks \['model\.onnx'\]"),
        (lambda folder: (folder / "bundle.json").unlink(), r"bundle\.json is missing"),
        (lambda folder: (folder / "notes.txt").write_text("hi"), r"holds \['notes\.txt'\]"),
        (lambda folder: (folder / "deeper").mkdir(), r"holds \['deeper'\]"),
        (other_schema, "schema_version must be 1, got 2"),
        (named_pickle, "is a pickle"),
        (pickle_by_suffix, r"model\.pkl: a bundle holds .* no pickles"),
        (name_outside, "lacks"),
    ],
    ids=["byte", "missing", "no manifest", "extra", "folder", "schema", "pickle", "pkl", "outside"],
)
def test_refuses(draft, tmp_path, damage, complaint):
    """A damaged bundle is refused in one line that names the file."""
    write_bundle(draft, tmp_path / "bundle")
    damage(tmp_path / "bundle")
    with pytest.raises(BundleError, match=complaint) as caught:
        read_bundle(tmp_path / "bundle")
    assert "\n" not in str(caught.value)


def test_a_file_that_changes_later_is_noticed(draft, tmp_path):
    """Bytes are checked when they are used, not only when the bundle is opened."""
    bundle = write_bundle(draft, tmp_path / "bundle")
    changed_byte(tmp_path / "bundle")
    with pytest.raises(BundleError, match="is not what"):
        bundle.read_bytes("model.onnx")
    with pytest.raises(BundleError, match=r"has no 'other\.txt'"):
        bundle.read_bytes("other.txt")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [1, [1], {"a": b"b"}, object], ids=str)
def test_knows_every_binary_pickle(draft, tmp_path, protocol, value):
    """No protocol slips through under another name."""
    files = {**draft.files, "weights.safetensors": pickle.dumps(value, protocol)}
    with pytest.raises(BundleError, match="is a pickle"):
        write_bundle(replace(draft, files=files), tmp_path / "bundle")


def test_safetensors_are_not_taken_for_pickles(draft, tmp_path):
    """A header of 0x480 bytes begins like a pickle of protocol 4, yet is none."""
    header = (0x480).to_bytes(8, "little") + b"{}".ljust(0x480)
    write_bundle(Draft(draft.manifest, {"weights.safetensors": header}), tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle").read_bytes("weights.safetensors") == header


@pytest.mark.parametrize("name", ["../up.txt", "bundle.json", ".hidden.txt", "model.joblib", "a b"])
def test_writes_no_other_names(draft, tmp_path, name):
    """A file's name neither leaves the folder nor shadows the manifest."""
    with pytest.raises(BundleError):
        write_bundle(replace(draft, files={name: b"x"}), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_stopped_at_each_step_leaves_old_or_new(draft, tmp_path):
    """Wherever a write ends, the next read sees a whole bundle, and once new it stays new."""
    outcomes = []
    for step in range(1, 60):
        folder = tmp_path / f"{step}" / "bundle"
        write_bundle(draft, folder)
        code = subprocess.run(
            [sys.executable, "-c", WRITE_AND_STOP_AT, str(folder), str(step)], check=False
        ).returncode
        outcomes.append(read_bundle(folder).manifest.as_of)
        if code == 0:
            break
        assert code == 9
    assert outcomes == sorted(outcomes)  # "2026-03-31" < "new"
    assert set(outcomes) == {"2026-03-31", "new"}


@pytest.mark.parametrize("delay", [0.002, 0.011, 0.023])
def test_killed_at_any_moment_leaves_a_whole_bundle(tmp_path, delay):
    """After a real kill the folder holds the last bundle that was reported, or the next."""
    folder = tmp_path / "bundle"
    command = [sys.executable, "-c", WRITE_AGAIN_AND_AGAIN, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "1\n"
        time.sleep(delay)
        writer.kill()
        reported = [1, *map(int, writer.stdout.read().split())]
    bundle = read_bundle(folder)
    assert int(bundle.manifest.as_of) in {reported[-1], reported[-1] + 1}
    assert bundle.read_bytes("part7.txt") == bundle.manifest.as_of.encode() * 1_000


def test_a_write_clears_what_a_killed_one_left(draft, tmp_path):
    """Leftovers neither stop the next write nor stay."""
    for leftover in (".bundle.new", ".bundle.previous"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "half.txt").write_text("half")
    write_bundle(draft, tmp_path / "bundle")
    write_bundle(draft, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
