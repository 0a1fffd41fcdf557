"""A folder of labelled pictures: ``images/`` and ``labels.csv``, as public data sets come."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from ucu_mlops.errors import DataError

LABELS_FILE, IMAGES_FOLDER = "labels.csv", "images"
GIVEN_BY = "folder"
# When a folder says nothing of time, its pictures and labels were there from the beginning.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def read_folder(folder: Path, labels: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read which pictures there are, and what they show.

    Args:
        folder: Holds ``images/`` and ``labels.csv``, one row per picture: ``file_name``,
            ``labels`` (names separated by spaces, commas or ``|``; empty for none) and, if it
            likes, ``group``.
        labels: What the pictures were labelled for: one that a picture does not show, it is known
            not to show.

    Returns:
        ``uploads``, one row per picture: ``image_id`` (the file's name), ``user_id`` (empty),
        ``uploaded_at``, ``ingested_at`` (UTC), ``uri``, ``group``; and ``image_labels``, one row
        per picture and each of ``labels``: ``image_id``, ``label``, ``shown``, ``given_by``,
        ``given_at``.

    Raises:
        DataError: The folder or its ``labels.csv`` is missing or no table, lacks a column, names
            a picture twice, names none or names a label that is none of ``labels``.
    """
    path = folder / LABELS_FILE
    if not path.is_file():
        raise DataError(
            f"{path} is missing; name a folder that holds {LABELS_FILE} and {IMAGES_FOLDER}/ with"
            " --params=source_dir=FOLDER"
        )
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        what = " ".join(str(error).split())
        raise DataError(f"{path} is no table of comma-separated text: {what}") from error
    if missing := sorted({"file_name", "labels"} - set(table.columns)):
        raise DataError(f"{path} lacks columns {missing}; got {list(table.columns)}")
    if table.empty:
        raise DataError(f"{path} names no picture")
    if (repeated := table["file_name"][table["file_name"].duplicated()]).size:
        raise DataError(f"{path} names {repeated.iloc[0]!r} more than once; keep one row of it")
    shown = table["labels"].str.split(r"[\s,;|]+", regex=True).map(set)
    if unknown := sorted(set().union(*shown) - {"", *labels}):
        raise DataError(
            f"{path} names labels {unknown}; the source's are {sorted(labels)}: "
            "add them to the catalog entry, or mend the file"
        )
    root = folder.resolve() / IMAGES_FOLDER
    uploads = pd.DataFrame(
        {
            "image_id": table["file_name"],
            "user_id": "",
            "uploaded_at": ALWAYS,
            "ingested_at": ALWAYS,
            "uri": [str(root / name) for name in table["file_name"]],
            "group": table.get("group", ""),
        }
    )
    said = [
        pd.DataFrame(
            {
                "image_id": table["file_name"],
                "label": name,
                "shown": [name in each for each in shown],
                "given_by": GIVEN_BY,
                "given_at": ALWAYS,
            }
        )
        for name in labels
    ]
    return {
        "uploads": uploads,
        "image_labels": pd.concat(said, ignore_index=True),
    }
