"""A checkout to play in touches nobody else's data."""

from pathlib import Path

import pytest
import yaml

from ucu_mlops.loop.checkout import make_checkout

ROOT = Path(__file__).parents[2]


def roots(folder):
    """Return the data folder of each environment."""
    files = sorted((folder / "conf").glob("*/globals.yml"))
    return {each.parent.name: yaml.safe_load(each.read_text())["data_root"] for each in files}


@pytest.mark.parametrize("depth", [1, 2], ids=["of the project", "of a checkout"])
def test_a_checkout_has_a_data_folder_of_its_own(tmp_path, depth):
    """Each environment's data lies below the checkout, of whatever it was made."""
    source = ROOT
    for number in range(depth):
        folder = tmp_path / f"checkout{number}"
        make_checkout(source, folder)
        source = folder
    assert roots(folder) == {
        "barcodes": f"{folder}/data/barcodes",
        "base": f"{folder}/data",
        "ethereum": f"{folder}/data/ethereum",
        "gcp": "gs://ucu-mlops-prod-data",  # a bucket: a checkout has none of its own
        "test": f"{folder}/data",
    }
