"""A training set: 100,000 labels, each with the 30 features as of its own day."""

from pathlib import Path

import duckdb
import ibis
import pandas as pd

from bench.features import coded, described, features_of
from bench.harness import Contest, Peer
from bench.messages import declarations, messages
from bench.statement import statement
from ucu_mlops.features.joins import point_in_time


def contests(scale: float) -> list[Contest]:
    """Return the contests; a scale of 1 is what the goals are about."""
    return [
        Contest(
            name=f"training set, {words} per user",
            data=messages(scale),
            ours=f"bench.training_set:ours_{each}",
            peers=(
                Peer("pandas", f"bench.training_set:by_pandas_{each}", 2.5),
                Peer("hand-written DuckDB", f"bench.training_set:by_sql_{each}", 1 / 1.3),
            ),
            keys=("entity_id", "as_of"),
        )
        for each, words in ((1, "1 label"), (10, "10 labels"))
    ]


def ours_1(folder: Path) -> pd.DataFrame:
    """Join the declared features to labels of one a user."""
    return _ours(folder, "labels_1.parquet")


def ours_10(folder: Path) -> pd.DataFrame:
    """Join the declared features to labels of ten a user."""
    return _ours(folder, "labels_10.parquet")


def by_sql_1(folder: Path) -> pd.DataFrame:
    """Compute the same in one statement."""
    return _by_sql(folder, "labels_1.parquet")


def by_sql_10(folder: Path) -> pd.DataFrame:
    """Compute the same in one statement."""
    return _by_sql(folder, "labels_10.parquet")


def by_pandas_1(folder: Path) -> pd.DataFrame:
    """Compute the same by a merge."""
    return _by_pandas(folder, "labels_1.parquet")


def by_pandas_10(folder: Path) -> pd.DataFrame:
    """Compute the same by a merge."""
    return _by_pandas(folder, "labels_10.parquet")


def _ours(folder: Path, labels: str) -> pd.DataFrame:
    connection = ibis.duckdb.connect()
    declared = declarations()
    names = [feature.name for feature in declared.groups[0].features]
    tables = {"messages": connection.read_parquet(folder / "messages.parquet")}
    spine = connection.read_parquet(folder / labels)
    return point_in_time(names, declared, tables, spine).drop("label").to_pandas()


def _by_sql(folder: Path, labels: str) -> pd.DataFrame:
    seen = f"""
        SELECT entity_id, as_of, recipient_id, device, n_chars, sentiment, has_link, is_reply,
            (till - 1 - epoch_us(occurred_at)) // 86400000000 AS age
        FROM read_parquet('{folder}/messages.parquet') JOIN (
            SELECT *, epoch_us(as_of + INTERVAL 1 DAY) AS till,
                CAST(as_of - INTERVAL 27 DAY AS TIMESTAMPTZ) AS first_moment,
                CAST(as_of + INTERVAL 1 DAY AS TIMESTAMPTZ) AS last_moment
            FROM read_parquet('{folder}/{labels}')
        ) ON user_id = entity_id AND occurred_at >= first_moment
            AND occurred_at < last_moment AND ingested_at < last_moment
        WHERE occurred_at >= (
            SELECT CAST(min(as_of) - INTERVAL 27 DAY AS TIMESTAMPTZ)
            FROM read_parquet('{folder}/{labels}')
        )"""  # noqa: S608
    rows = f"(SELECT entity_id, as_of FROM read_parquet('{folder}/{labels}'))"  # noqa: S608
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(statement(seen, rows, "entity_id, as_of")).df()


def _by_pandas(folder: Path, labels: str) -> pd.DataFrame:
    rows = pd.read_parquet(folder / labels, columns=["entity_id", "as_of"])
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    ends = rows["as_of"].dt.tz_localize("UTC") + pd.Timedelta(days=1)
    rows_of = pd.DataFrame({"user_id": rows["entity_id"], "end": ends, "who": range(len(rows))})
    since = ends.min() - pd.Timedelta(days=28)
    events = pd.read_parquet(folder / "messages.parquet", filters=[("occurred_at", ">=", since)])
    seen = events.merge(rows_of, on="user_id")
    seen = seen[
        (seen["occurred_at"] >= seen["end"] - pd.Timedelta(days=28))
        & (seen["occurred_at"] < seen["end"])
        & (seen["ingested_at"] < seen["end"])
    ]
    made = features_of(coded(seen), seen["end"] - seen["occurred_at"])
    return described(rows, rows.index, made)
