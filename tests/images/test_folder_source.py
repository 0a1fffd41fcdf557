"""A folder of pictures and labels becomes tables, or one line says what is wrong with it."""

import pytest

from ucu_mlops.errors import DataError
from ucu_mlops.images.folder_source import read_folder

LABELS = ("qr_code", "linear_barcode")


def test_a_folder_is_uploads_and_labels(tmp_path):
    """Each picture has a row per label, shown or not; a group where the file names one."""
    (tmp_path / "labels.csv").write_text(
        "file_name,labels,group\na.jpg,qr_code linear_barcode,s1\nb.jpg,,s2\nc.jpg,qr_code|,s2\n"
    )
    tables = read_folder(tmp_path, LABELS)
    uploads, labels = tables["uploads"], tables["image_labels"]
    assert list(uploads["image_id"]) == ["a.jpg", "b.jpg", "c.jpg"]
    assert list(uploads["group"]) == ["s1", "s2", "s2"]
    assert uploads["uri"].iloc[0] == str(tmp_path / "images" / "a.jpg")
    shown = labels.pivot_table(index="image_id", columns="label", values="shown", aggfunc="last")
    assert shown["qr_code"].tolist() == [True, False, True]
    assert shown["linear_barcode"].tolist() == [True, False, False]


def test_a_group_is_optional(tmp_path):
    """Without the column every picture's group is unknown."""
    (tmp_path / "labels.csv").write_text("file_name,labels\na.jpg,qr_code\n")
    assert list(read_folder(tmp_path, LABELS)["uploads"]["group"]) == [""]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"labels.csv is missing; name a folder .*--params=source_dir=FOLDER"),
        (
            b"name,labels\na.jpg,qr_code\n",
            r"lacks columns \['file_name'\]; got \['name', 'labels'\]",
        ),
        (b"file_name,labels\n", "names no picture"),
        (b"file_name,labels\na.jpg,\na.jpg,\n", "names 'a.jpg' more than once; keep one row"),
        (b"file_name,labels\na.jpg,kitten\n", r"names labels \['kitten'\]; the source's are"),
        (b"", "is no table of comma-separated text"),
        (b"\xff\xfe\x00,\n", "is no table of comma-separated text"),
        (b'file_name,labels\na.jpg,"\n', "is no table of comma-separated text"),
    ],
)
def test_a_wrong_folder_is_one_line(tmp_path, content, said):
    """It names the file, what is wrong and what to do."""
    if content is not None:
        (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_folder(tmp_path, LABELS)
    assert "\n" not in str(error.value)
