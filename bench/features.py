"""Features of one day: 30 of them about each of 200,000 users, from 20 million events."""

from pathlib import Path

import duckdb
import ibis
import pandas as pd

from bench.harness import Contest, Peer
from bench.messages import END, declarations, messages
from bench.statement import WINDOWS, statement
from ucu_mlops.features.compile import group_table

DAY = pd.Timestamp(END, tz="UTC") + pd.Timedelta(days=1)  # the moment at which it ends
ZERO_OF_NOTHING = ("messages_sent", "recipients", "devices", "days_active", "chars")


def contests(scale: float) -> list[Contest]:
    """Return the contests; a scale of 1 is what the goals are about."""
    return [
        Contest(
            name="features of one day",
            data=messages(scale),
            ours="bench.features:ours",
            peers=(
                Peer("pandas", "bench.features:by_pandas", 3.0),
                Peer("pandas, with care", "bench.features:by_careful_pandas", 3.0),
                Peer("hand-written DuckDB", "bench.features:by_sql", 1 / 1.3),
            ),
            keys=("entity_id",),
            tenth=messages(scale / 10),
        )
    ]


def ours(folder: Path) -> pd.DataFrame:
    """Compute the declared group."""
    connection = ibis.duckdb.connect()
    declared = declarations()
    tables = {"messages": connection.read_parquet(folder / "messages.parquet")}
    population = connection.read_parquet(folder / "population.parquet")
    table = group_table(declared.groups[0], declared, tables, population, END)
    return table.drop("as_of", "definition").to_pandas()


def by_sql(folder: Path) -> pd.DataFrame:
    """Compute the same in one statement, whose days and moments are constants."""
    seen = f"""
        SELECT user_id AS entity_id, recipient_id, device, n_chars, sentiment, has_link, is_reply,
            (epoch_us(TIMESTAMPTZ '{DAY}') - 1 - epoch_us(occurred_at)) // 86400000000 AS age
        FROM read_parquet('{folder}/messages.parquet')
        WHERE occurred_at >= TIMESTAMPTZ '{DAY - pd.Timedelta(days=28)}'
            AND occurred_at < TIMESTAMPTZ '{DAY}' AND ingested_at < TIMESTAMPTZ '{DAY}'"""  # noqa: S608
    people = f"(SELECT entity_id FROM read_parquet('{folder}/population.parquet'))"  # noqa: S608
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(statement(seen, people, "entity_id")).df()


def by_pandas(folder: Path) -> pd.DataFrame:
    """Compute the same as most would: read the file, choose rows, group by the user."""
    events = pd.read_parquet(folder / "messages.parquet")
    known = (events["ingested_at"] < DAY) & (events["occurred_at"] < DAY)
    events = events[known & (events["occurred_at"] >= DAY - pd.Timedelta(days=28))]
    people = pd.read_parquet(folder / "population.parquet", columns=["entity_id"])
    made = features_of(events.rename(columns={"user_id": "who"}), DAY - events["occurred_at"])
    return described(people, people["entity_id"], made)


def by_careful_pandas(folder: Path) -> pd.DataFrame:
    """Compute the same as whoever knows pandas well: read only what counts, codes for words."""
    since = DAY - pd.Timedelta(days=28)
    events = pd.read_parquet(
        folder / "messages.parquet",
        filters=[
            ("occurred_at", ">=", since),
            ("occurred_at", "<", DAY),
            ("ingested_at", "<", DAY),
        ],
    )
    people = pd.read_parquet(folder / "population.parquet", columns=["entity_id"])
    who = pd.Categorical(events.pop("user_id"), categories=people["entity_id"]).codes
    made = features_of(coded(events).assign(who=who), DAY - events["occurred_at"])
    return described(people, people.index, made)


def coded(events: pd.DataFrame) -> pd.DataFrame:
    """Put numbers in place of words."""
    words = ("recipient_id", "device")
    return events.assign(**{name: events[name].astype("category").cat.codes for name in words})


def features_of(events: pd.DataFrame, before: pd.Series) -> pd.DataFrame:
    """Compute the features by pandas.

    Args:
        events: One row per event that ``who`` sees.
        before: How long before the end of that one's day each event was.

    Returns:
        One row for each ``who``, the index.
    """
    made = {}
    events = events.assign(age=(before - pd.Timedelta(1, "us")).dt.days)
    for days in WINDOWS:
        groups = events[events["age"] < days].groupby("who")
        made[f"messages_sent_{days}d"] = groups.size()
        made[f"recipients_{days}d"] = groups["recipient_id"].nunique()
        made[f"devices_{days}d"] = groups["device"].nunique()
        made[f"link_share_{days}d"] = groups["has_link"].mean()
        made[f"reply_share_{days}d"] = groups["is_reply"].mean()
        made[f"chars_{days}d"] = groups["n_chars"].sum()
        made[f"message_chars_{days}d"] = groups["n_chars"].mean()
        made[f"sentiment_mean_{days}d"] = groups["sentiment"].mean()
        if days > 1:
            made[f"days_active_{days}d"] = groups["age"].nunique()
            made[f"longest_message_{days}d"] = groups["n_chars"].max()
            made[f"sentiment_min_{days}d"] = groups["sentiment"].min()
    return pd.DataFrame(made)


def described(rows: pd.DataFrame, who: pd.Series | pd.Index, made: pd.DataFrame) -> pd.DataFrame:
    """Put the features beside the rows; nothing is zero events, and a mean of nothing null."""
    table = made.reindex(who).set_axis(rows.index)
    zero = [name for name in table if name.startswith(ZERO_OF_NOTHING)]
    table[zero] = table[zero].fillna(0)
    table["messages_per_recipient"] = table["messages_sent_7d"] / table["recipients_7d"]
    return rows.join(table)
