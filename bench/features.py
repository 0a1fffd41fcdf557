"""Features of one day: 30 of them about each of 200,000 users, from 20 million events."""

from pathlib import Path

import duckdb
import ibis
import pandas as pd

from bench.harness import Contest, Peer
from bench.messages import END, declarations, messages
from ucu_mlops.features.compile import group_table

DAY = pd.Timestamp(END, tz="UTC") + pd.Timedelta(days=1)  # the moment at which it ends
WINDOWS = (1, 7, 28)


def contests(scale: float) -> list[Contest]:
    """Return the contests; a scale of 1 is what the goals are about."""
    return [
        Contest(
            name="features of one day",
            data=messages(scale),
            ours="bench.features:ours",
            peers=(
                Peer("pandas", "bench.features:by_pandas", 3.0),
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
    table = group_table(declared.groups[0], declared, tables, population)
    return table.drop("as_of", "definition").to_pandas()


def by_sql(folder: Path) -> pd.DataFrame:
    """Compute the same in one statement: a bit per day instead of counting different values."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(_statement(folder)).df()


def _statement(folder: Path) -> str:
    measured = ", ".join(
        f"""
        count(*) FILTER ({window}) AS messages_sent_{days}d,
        count(*) FILTER ({window} AND has_link) AS links_{days},
        count(*) FILTER ({window} AND is_reply) AS replies_{days},
        sum(n_chars) FILTER ({window}) AS chars_{days}d,
        sum(sentiment) FILTER ({window}) AS sentiment_{days},
        count(sentiment) FILTER ({window}) AS felt_{days},
        max(n_chars) FILTER ({window}) AS longest_message_{days}d,
        min(sentiment) FILTER ({window}) AS sentiment_min_{days}d"""
        for days, window in ((days, f"age < {days}") for days in WINDOWS)
    )
    columns = ", ".join(
        f"""
        coalesce(messages_sent_{days}d, 0) AS messages_sent_{days}d,
        coalesce(recipients_{days}d, 0) AS recipients_{days}d,
        coalesce(devices_{days}d, 0) AS devices_{days}d,
        links_{days} / nullif(messages_sent_{days}d, 0) AS link_share_{days}d,
        replies_{days} / nullif(messages_sent_{days}d, 0) AS reply_share_{days}d,
        coalesce(chars_{days}d, 0) AS chars_{days}d,
        chars_{days}d / nullif(messages_sent_{days}d, 0) AS message_chars_{days}d,
        sentiment_{days} / nullif(felt_{days}, 0) AS sentiment_mean_{days}d"""
        for days in WINDOWS
    )
    longer = ", ".join(
        f"""
        coalesce(bit_count(days & {2**days - 1}), 0) AS days_active_{days}d,
        longest_message_{days}d,
        sentiment_min_{days}d"""
        for days in WINDOWS[1:]
    )
    return f"""
    WITH seen AS (
        SELECT user_id, recipient_id, device, n_chars, sentiment, has_link, is_reply,
            CAST({DAY.value // 1000} - 1 - epoch_us(occurred_at) AS BIGINT) // 86400000000 AS age
        FROM read_parquet('{folder}/messages.parquet')
        WHERE occurred_at >= TIMESTAMPTZ '{DAY - pd.Timedelta(days=28)}'
            AND occurred_at < TIMESTAMPTZ '{DAY}' AND ingested_at < TIMESTAMPTZ '{DAY}'
    ), measured AS (
        SELECT user_id, bit_or(1 << age) AS days, {measured} FROM seen GROUP BY user_id
    ), recipients AS ({_different("recipients", "recipient_id")}
    ), devices AS ({_different("devices", "device")}
    )
    SELECT entity_id, {columns}, {longer},
        messages_sent_7d / nullif(recipients_7d, 0) AS messages_per_recipient
    FROM read_parquet('{folder}/population.parquet')
    LEFT JOIN measured ON measured.user_id = entity_id
    LEFT JOIN recipients ON recipients.user_id = entity_id
    LEFT JOIN devices ON devices.user_id = entity_id
    """  # noqa: S608


def _different(name: str, column: str) -> str:
    counted = ", ".join(
        f"count(*) FILTER (days & {2**days - 1} > 0) AS {name}_{days}d" for days in WINDOWS
    )
    return f"""
        SELECT user_id, {counted} FROM (
            SELECT user_id, {column}, bit_or(1 << age) AS days FROM seen
            WHERE {column} IS NOT NULL GROUP BY ALL
        ) GROUP BY user_id"""  # noqa: S608


def by_pandas(folder: Path) -> pd.DataFrame:
    """Compute the same as a careful pandas user would: read what counts, codes for words."""
    since = DAY - pd.Timedelta(days=28)
    events = pd.read_parquet(
        folder / "messages.parquet",
        filters=[("occurred_at", ">=", since), ("occurred_at", "<", DAY), ("ingested_at", "<", DAY)],
    )
    people = pd.read_parquet(folder / "population.parquet")["entity_id"]
    return features_of(events, pd.Index(people), (DAY - events["occurred_at"])).reset_index()


def features_of(events: pd.DataFrame, index: pd.Index, before: pd.Series) -> pd.DataFrame:
    """Compute the features by pandas.

    Args:
        events: One row per event and thing to describe, with its ``user_id``.
        index: What is to be described, named by ``entity_id``.
        before: How long before the end each event was.
    """
    made = {}
    codes = pd.Categorical(events.pop("user_id"), categories=index)
    events = events.assign(
        who=codes.codes,
        age=(before - pd.Timedelta(1, "us")).dt.days.to_numpy(),
        recipient_id=events["recipient_id"].astype("category").cat.codes,
        device=events["device"].astype("category").cat.codes,
    )
    for days in WINDOWS:
        mine = events[events["age"] < days]
        groups = mine.groupby("who")
        sent = groups.size()
        made[f"messages_sent_{days}d"] = sent
        for name, column in (("recipients", "recipient_id"), ("devices", "device")):
            made[f"{name}_{days}d"] = groups[column].nunique()
        made[f"link_share_{days}d"] = groups["has_link"].mean()
        made[f"reply_share_{days}d"] = groups["is_reply"].mean()
        made[f"chars_{days}d"] = groups["n_chars"].sum()
        made[f"message_chars_{days}d"] = groups["n_chars"].mean()
        made[f"sentiment_mean_{days}d"] = groups["sentiment"].mean()
        if days > 1:
            made[f"days_active_{days}d"] = groups["age"].nunique()
            made[f"longest_message_{days}d"] = groups["n_chars"].max()
            made[f"sentiment_min_{days}d"] = groups["sentiment"].min()
    table = pd.DataFrame(made).reindex(range(len(index)))
    zero = [name for name in table if name.startswith(("messages_", "recip", "dev", "days", "chars"))]
    table[zero] = table[zero].fillna(0)
    table["messages_per_recipient"] = table["messages_sent_7d"] / table["recipients_7d"]
    return table.set_index(index)
