"""Objects lie below a folder under their names; a day adds its own."""

from ucu_mlops.datasets.objects import ObjectsDataset


def test_objects_are_files_below_the_folder(tmp_path):
    """Saved twice, the names of both are there, and bytes are as given, empty ones too."""
    objects = ObjectsDataset(filepath=str(tmp_path / "objects"))
    assert not objects.exists()
    objects.save({"2026-03-31/b.jpg": b"two", "2026-03-31/a.jpg": b""})
    objects.save({"2026-04-01/c.png": b"three", "2026-03-31/b.jpg": b"new"})
    assert objects.load() == ["2026-03-31/a.jpg", "2026-03-31/b.jpg", "2026-04-01/c.png"]
    assert (tmp_path / "objects/2026-03-31/b.jpg").read_bytes() == b"new"
    assert (tmp_path / "objects/2026-03-31/a.jpg").read_bytes() == b""


def test_the_folder_may_be_in_any_store():
    """A URL of fsspec's memory will do as well as a path."""
    objects = ObjectsDataset(filepath="memory://images/objects")
    objects.save({"a/b.jpg": b"x"})
    assert objects.load() == ["a/b.jpg"]
