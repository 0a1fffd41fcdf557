"""A checkout of its own for tests that run pipelines: this project's conf, an empty data folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ucu_mlops.datasets import warehouse
from ucu_mlops.loop.project import Project

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy what a run needs into an empty folder and work there until the module is done."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "conf", folder / "conf")
    for places in (folder / "conf").glob("*/globals.yml"):
        # MLflow keeps one store per address in a process: a relative one would stay the first
        # module's.
        text = places.read_text(encoding="utf-8")
        places.write_text(text.replace("data_root: data", f"data_root: {folder}/data"), "utf-8")
    (folder / "src").mkdir()  # Kedro looks for it; the package itself is installed
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
    warehouse.close_all()


@pytest.fixture(scope="module")
def project(checkout: Path) -> Project:
    """The tiny environment in a checkout of its own."""
    return Project(checkout, env="test")
