"""A checkout of its own to play in: this project's configuration, an empty data folder."""

import re
import shutil
from pathlib import Path

ROOT_FILES = ("pyproject.toml", ".telemetry")
# `data` or `data/<env>`, as shipped or as made absolute by a checkout of a checkout.
DATA_ROOT = re.compile(r"^(data_root: )(?:\S*/)?(data(?:/\S+)?)$", re.MULTILINE)


def make_checkout(project: Path, folder: Path, home: Path | None = None) -> None:
    """Make ``folder`` a place where pipelines run and leave ``project`` as it is.

    Its data folder is written down absolutely: MLflow keeps one store per address in a process,
    and a relative one would stay the first checkout's.

    Args:
        project: A checkout: it has ``pyproject.toml`` and ``conf/``.
        folder: Where to; a configuration that is there is replaced, data is kept.
        home: Folder that holds the data folder, ``folder`` itself unless another is named.
    """
    home = (home or folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ROOT_FILES:
        shutil.copy(project / name, folder)
    shutil.rmtree(folder / "conf", ignore_errors=True)
    shutil.copytree(project / "conf", folder / "conf")
    for places in (folder / "conf").glob("*/globals.yml"):
        text = places.read_text(encoding="utf-8")
        places.write_text(DATA_ROOT.sub(rf"\1{home}/\2", text), encoding="utf-8")
    (folder / "src").mkdir(exist_ok=True)  # Kedro looks for it; the package itself is installed
