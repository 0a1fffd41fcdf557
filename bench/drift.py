"""A day of a million users against the reference: 30 features, cold from the table.

The peer is Evidently's data-drift preset. It would change installed versions, so it has an
environment of its own, which is looked for in the folder of temporary files; make it by
``python -m venv /tmp/evidently-venv`` and
``/tmp/evidently-venv/bin/pip install evidently==0.7.23 pyarrow==25.0.0``.
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

USERS, QUIET_DAYS, QUIET_USERS = 1_000_000, 14, 20_000
MOVED = ("number_1", "number_7", "number_20", "word_2", "word_5")  # planted, plain to see
EVIDENTLY = Path(gettempdir()) / "evidently-venv" / "bin" / "python"


def prepare(folder: Path, count: int) -> None:
    """Store the day and the reference as each side wants them."""
    quiet = pd.concat(
        [
            draw_users(QUIET_USERS, seed=100 + day).assign(as_of=DAY - pd.Timedelta(days=day + 1))
            for day in range(QUIET_DAYS)
        ],
        ignore_index=True,
    )
    reference = build_reference(quiet, np.full(len(quiet), 0.5), FEATURES, {})
    (folder / "reference.json").write_text(json.dumps(reference))
    names = [*NUMERIC, *CATEGORICAL]
    quiet[names].to_parquet(folder / "reference.parquet", index=False)
    users = moved(draw_users(count, seed=3)).drop(columns=["label", "weight"])
    users[names].to_parquet(folder / "inputs.parquet", index=False)
    table(folder, "inputs").save(users)
    table(folder, "scores").save(users[["entity_id", "as_of"]].assign(probability=0.5))
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
