"""A play's result holds for the code and configuration that it was played with."""

import json
import shutil
from pathlib import Path

import pytest

import ucu_mlops
from ucu_mlops.loop import drill
from ucu_mlops.loop.drill import RESULT, DrillOptions, known_plays

OPTIONS = DrillOptions(model="scam", shift_day=4, days_after=1, window=3)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one file beside a checkout: what is played by is read from there."""
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(ucu_mlops.__file__, package / "__init__.py")
    monkeypatch.setattr(drill.ucu_mlops, "__file__", str(package / "__init__.py"))
    return package


def played(path: Path, kind: str, identity: str) -> None:
    """Leave a result of one kind."""
    folder = path / "data/drill" / f"{kind}-1"
    folder.mkdir(parents=True)
    told = {"kind": kind, "seed": 1, "identity": identity}
    (folder / RESULT).write_text(json.dumps(told), encoding="utf-8")


def test_results_of_other_kinds_stay_until_the_code_changes(tmp_path, copied):
    """All plays of this code are reported, whichever call made them; none outlives a change."""
    identity = drill._identity(tmp_path, None, OPTIONS)
    played(tmp_path, "growth", identity)
    played(tmp_path, "new_scam", identity)
    played(tmp_path, "broken_feed", "of other code")
    assert [each["kind"] for each in known_plays(tmp_path, None, OPTIONS)] == ["growth", "new_scam"]
    (copied / "decision.py").write_text("COOLDOWN = 3\n", encoding="utf-8")
    assert known_plays(tmp_path, None, OPTIONS) == []
