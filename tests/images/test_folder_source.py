"""A folder of pictures and labels as tables."""

from pathlib import Path

import pandas as pd
import pytest

from ucu_mlops.errors import DataError
from ucu_mlops.images.folder_source import read_folder

LABELS = ("qr_code", "matrix_code")


def folder_with(tmp_path: Path, table: str) -> Path:
    """A folder whose labels.csv is the table."""
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").write_text(table)
    return tmp_path


@pytest.mark.parametrize("separator", [" ", ",", ", ", "|", ";"], ids=repr)
def test_a_picture_may_show_several_labels(tmp_path, separator):
    """Labels are parted by spaces, commas, semicolons or bars; the others it does not show."""
    table = f'file_name,labels,group\na.jpg,"qr_code{separator}matrix_code",g\nb.jpg,,h\n'
    given = read_folder(folder_with(tmp_path, table), LABELS)["image_labels"]
    shown = given.pivot_table(index="image_id", columns="label", values="shown", aggfunc="last")
    assert shown.loc["a.jpg", list(LABELS)].tolist() == [True, True]
    assert shown.loc["b.jpg", list(LABELS)].tolist() == [False, False]


def test_pictures_carry_their_place_and_their_group(tmp_path):
    """A name is the id, the place is absolute below images/, times are UTC."""
    table = "file_name,labels,group\na.jpg,qr_code,series-1\n"
    uploads = read_folder(folder_with(tmp_path, table), LABELS)["uploads"]
    assert uploads["image_id"].tolist() == ["a.jpg"]
    assert uploads["uri"].tolist() == [str(tmp_path.resolve() / "images" / "a.jpg")]
    assert uploads["group"].tolist() == ["series-1"]
    assert isinstance(uploads["uploaded_at"].dtype, pd.DatetimeTZDtype)


def test_a_folder_without_groups_is_read(tmp_path):
    """Where no group is given it is unknown."""
    given = read_folder(folder_with(tmp_path, "file_name,labels\na.jpg,qr_code\n"), LABELS)
    assert given["uploads"]["group"].tolist() == [""]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("name,labels\na.jpg,qr_code\n", r"lacks columns \['file_name'\]"),
        ("file_name,labels\n", "names no picture"),
        ("file_name,labels\na.jpg,\na.jpg,qr_code\n", "names 'a.jpg' more than once"),
        ("file_name,labels\na.jpg,cat\n", r"names labels \['cat'\]; the source's are"),
    ],
    ids=["column", "empty", "twice", "label"],
)
def test_refuses_a_table_that_is_not_one(tmp_path, table, says):
    """A wrong labels.csv is named, with what is wrong in it."""
    with pytest.raises(DataError, match=says):
        read_folder(folder_with(tmp_path, table), LABELS)


def test_refuses_a_folder_without_labels(tmp_path):
    """A missing labels.csv is one line that says which folder to name."""
    with pytest.raises(DataError, match=r"labels\.csv is missing; name a folder .*source_dir"):
        read_folder(tmp_path / "nowhere", LABELS)
