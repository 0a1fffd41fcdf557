"""A day of a million users against the reference: 30 features, cold from the table.

The peer is Evidently's data-drift preset. It would change installed versions (pandas), so it has
an environment of its own, which is looked for in the folder of temporary files; make it by
``python -m venv /tmp/evidently-venv`` and
``/tmp/evidently-venv/bin/pip install evidently==0.7.23 "pandas<3" pyarrow``. Where there is none,
one line says that this peer is left out. The peer is given a reference of 280,000 rows only: it
must read all of them, ours is the bundle's whatever their number.
"""

import json
from functools import partial
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pandas as pd

from bench.drift_ours import DAY, table
from bench.harness import Contest, Data, Peer
from bench.scoring import CATEGORICAL, FEATURES, NUMERIC, draw_users
from ucu_mlops.datasets import warehouse
from ucu_mlops.monitoring.reference import build_reference

USERS, QUIET_DAYS = 1_000_000, 14
QUIET_SHARE = 0.02  # users a quiet day by those of the day; few, as the peer reads them all
QUIET_USERS = 1_000  # at least, whatever the scale: fewer tell nothing of each other
MOVED = ("number_1", "number_7", "number_20", "word_2", "word_5")  # planted, plain to see
EVIDENTLY = Path(gettempdir()) / "evidently-venv" / "bin" / "python"


def prepare(folder: Path, count: int) -> None:
    """Store the day and the reference as each side wants them."""
    users = max(QUIET_USERS, round(count * QUIET_SHARE))
    quiet = pd.concat(
        [
            draw_users(users, seed=100 + day).assign(as_of=DAY - pd.Timedelta(days=day + 1))
            for day in range(QUIET_DAYS)
        ],
        ignore_index=True,
    )
    reference = build_reference(quiet, np.full(len(quiet), 0.5), FEATURES, {})
    (folder / "reference.json").write_text(json.dumps(reference))
    names = [*NUMERIC, *CATEGORICAL]
    quiet[names].to_parquet(folder / "reference.parquet", index=False)
    day = moved(draw_users(count, seed=3)).drop(columns=["label", "weight"])
    day[names].to_parquet(folder / "inputs.parquet", index=False)
    table(folder, "inputs").save(day)
    table(folder, "scores").save(day[["entity_id", "as_of"]].assign(probability=0.5))
    warehouse.close_all()


def moved(users: pd.DataFrame) -> pd.DataFrame:
    """Plant the shifts: numbers grow by half, one word in five becomes the first."""
    columns = {name: users[name] * 1.5 for name in MOVED if name in NUMERIC}
    fifth = np.arange(len(users)) % 5 == 0
    words = {name: users[name].mask(fifth, "UA") for name in MOVED if name in CATEGORICAL}
    return users.assign(**columns, **words)


def contests(scale: float) -> list[Contest]:
    """Compare a million users, times ``scale``."""
    count = round(USERS * scale)
    peers = [Peer("Evidently", "bench.drift_peer:evidently", 5.0, 10.0, python=str(EVIDENTLY))]
    if not EVIDENTLY.exists():
        print(f"drift: skipped Evidently, for there is no {EVIDENTLY}")  # noqa: T201
        peers = []
    return [
        Contest(
            name=f"drift of {count:,} users",
            data=Data(f"drift_{count}", partial(prepare, count=count)),
            ours="bench.drift_ours:ours",
            peers=peers,
            keys=["name"],
            limit_mb=None,
        )
    ]
