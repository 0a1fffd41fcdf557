"""Measure the reader of codes on photographs: per label and series, with and without second look.

::

    python -m bench.code_reader FOLDER    # with labels.csv and images/

Milliseconds are of one thread, decoded pictures in memory.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ucu_mlops.images.experts import ReaderOptions, read_codes
from ucu_mlops.images.labels import LabelSet, parse_labels

LABELS = {
    "qr_code": {"expert": ["QRCode", "MicroQRCode", "RMQRCode"]},
    "matrix_code": {"expert": ["Aztec", "DataMatrix", "PDF417", "MaxiCode"]},
    "linear_barcode": {"expert": ["AllLinear"]},
}
SETTINGS = {
    "once": ReaderOptions(threads=1, enlarge_up_to=0),
    "second look": ReaderOptions(threads=1),
    "second look, 2 threads": ReaderOptions(threads=2),
}


def measure(folder: Path, label_set: LabelSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every picture in every setting.

    Returns:
        One row per setting: ``ms`` an image, ``macro_f1``, ``code_free_flagged``, and precision
        and recall per label; and one row per label and series: its ``images`` and the recall of
        each setting.
    """
    rows = pd.read_csv(folder / "labels.csv", keep_default_na=False)
    pictures = [
        np.asarray(Image.open(folder / "images" / name).convert("L")) for name in rows["file_name"]
    ]
    truth = np.array(
        [[name in each.split(" ") for name in label_set.names] for each in rows["labels"]]
    )
    settings = []
    series = rows[rows["labels"] != ""].groupby(["labels", "group"]).size().to_frame("images")
    for name, options in SETTINGS.items():
        started = time.perf_counter()
        read = read_codes(pictures, label_set, options)
        took = (time.perf_counter() - started) / len(pictures)
        settings.append({"setting": name, "ms": 1000 * took, **_figures(read, truth, label_set)})
        found = pd.Series((read & truth).any(axis=1), name=name)
        series[name] = found.groupby([rows["labels"], rows["group"]]).mean()
    return pd.DataFrame(settings).set_index("setting"), series


def _figures(read: np.ndarray, truth: np.ndarray, label_set: LabelSet) -> dict[str, float]:
    hits, given, shown = (each.sum(axis=0) for each in (read & truth, read, truth))
    figures: dict[str, float] = {
        "macro_f1": float((2 * hits / (given + shown)).mean()),
        "code_free_flagged": int(read[~truth.any(axis=1)].any(axis=1).sum()),
    }
    for place, name in enumerate(label_set.names):
        figures[f"{name} precision"] = hits[place] / max(given[place], 1)
        figures[f"{name} recall"] = hits[place] / max(shown[place], 1)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args(arguments)
    settings, series = measure(asked.folder, parse_labels(LABELS))
    print(settings.T.to_string(float_format="{:.3f}".format))  # noqa: T201 (what it is for)
    print(series.to_string(float_format="{:.3f}".format))  # noqa: T201


if __name__ == "__main__":
    main()
