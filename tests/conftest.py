"""A checkout of its own for tests that run pipelines: this project's conf, an empty data folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ucu_mlops.datasets import warehouse
from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.loop.project import Project

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy what a run needs into an empty folder and work there until the module is done."""
    folder = tmp_path_factory.mktemp("checkout")
    make_checkout(ROOT, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
    warehouse.close_all()


@pytest.fixture(scope="module")
def project(checkout: Path) -> Project:
    """The tiny environment in a checkout of its own."""
    return Project(checkout, env="test")
