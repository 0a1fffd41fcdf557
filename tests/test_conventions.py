"""Conventions that a reader relies on."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=[path.stem for path in TESTS])
def test_each_test_says_what_it_proves(path):
    """A test's docstring is the sentence it proves."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert [test.name for test in tests if not ast.get_docstring(test)] == []


def test_no_file_is_a_drawer():
    """No module is called after nothing in particular."""
    drawers = {"utils", "util", "common", "helpers", "misc"}
    names = {path.stem for path in (ROOT / "src").rglob("*.py")}
    assert names.isdisjoint(drawers)


def test_a_fresh_clone_has_its_folders():
    """Without `conf/local/` Kedro does not run; the layers' folders are there from the start."""
    assert (ROOT / "conf/local/.gitkeep").is_file()
    assert len(list((ROOT / "data").glob("0*/.gitkeep"))) == 8
