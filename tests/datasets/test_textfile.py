"""A text file's readers see the old text or the new one."""

import os

import pytest
from kedro.io import DatasetError

from ucu_mlops.datasets.textfile import TextfileDataset
from ucu_mlops.errors import ConfigurationError


def test_gives_back_what_was_saved(tmp_path):
    """Text comes back as it was, and nothing else lies in the folder."""
    dataset = TextfileDataset(filepath=str(tmp_path / "deep" / "metrics.prom"))
    assert not dataset.exists()
    dataset.save("ucu 1\n")
    dataset.save("ucu 2 ≤\n")
    assert dataset.load() == "ucu 2 ≤\n"
    assert os.listdir(tmp_path / "deep") == ["metrics.prom"]  # noqa: PTH208


def test_who_reads_meanwhile_reads_the_old(tmp_path):
    """A reader that has opened the file is not disturbed: it is replaced, not overwritten."""
    dataset = TextfileDataset(filepath=str(tmp_path / "metrics.prom"))
    dataset.save("old")
    with (tmp_path / "metrics.prom").open() as reading:
        dataset.save("new")
        assert reading.read() == "old"
    assert dataset.load() == "new"


def test_says_that_there_is_none(tmp_path):
    """Reading before anything was written is one line with the remedy."""
    with pytest.raises(DatasetError, match="run the pipeline that writes it first"):
        TextfileDataset(filepath=str(tmp_path / "none")).load()


def test_an_older_day_leaves_what_is_told_of_now(tmp_path):
    """Only the newest day, or that day again, writes the file."""
    path = tmp_path / "metrics.prom"
    for day, text, left in (
        ("2026-04-02", "second", "second"),
        ("2026-04-01", "first again", "second"),
        ("2026-04-02", "second again", "second again"),
        ("2026-04-03", "third", "third"),
    ):
        TextfileDataset(filepath=str(path), as_of=day).save(text)
        assert path.read_text() == left


def test_a_day_that_is_none_is_refused(tmp_path):
    """One line says what a day looks like."""
    with pytest.raises(ConfigurationError, match="must be a day such as"):
        TextfileDataset(filepath=str(tmp_path / "metrics.prom"), as_of="soon")
