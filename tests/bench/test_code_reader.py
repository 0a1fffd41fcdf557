"""The reader's benchmark counts what it read on a folder of photographs."""

import numpy as np
import pandas as pd
import zxingcpp
from PIL import Image

from bench.code_reader import LABELS, measure
from ucu_mlops.images.labels import parse_labels


def test_counts_by_label_and_series(tmp_path):
    """A code that is read, one that cannot be and a picture of nothing give 1 of 2 and no alarm."""
    (tmp_path / "images").mkdir()
    code = zxingcpp.create_barcode("hello", zxingcpp.BarcodeFormat.QRCode)
    drawn = np.pad(
        np.array(zxingcpp.write_barcode_to_image(code, scale=3)), 20, constant_values=255
    )
    for name, pixels in (("a", drawn), ("b", drawn // 255), ("c", drawn * 0)):
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
    rows = [("a.png", "qr_code", "one"), ("b.png", "qr_code", "two"), ("c.png", "", "none")]
    table = pd.DataFrame(rows, columns=["file_name", "labels", "group"])
    table.to_csv(tmp_path / "labels.csv", index=False)
    settings, series = measure(tmp_path, parse_labels(LABELS))
    assert settings["qr_code recall"].tolist() == [0.5, 0.5, 0.5]
    assert settings["code_free_flagged"].tolist() == [0, 0, 0]
    assert series["once"].to_dict() == {("qr_code", "one"): 1.0, ("qr_code", "two"): 0.0}
