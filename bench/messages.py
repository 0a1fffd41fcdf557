"""The events that features are measured on: who wrote to whom, for 90 days, as Parquet.

20 million messages of 200,000 users at scale 1; few write most, to few of all; one of twenty
messages becomes known up to three days late.
"""

from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from bench.harness import Data
from ucu_mlops.features.declarations import Declarations, parse_declarations

EVENTS, USERS, DAYS = 20_000_000, 200_000, 90
START = date(2026, 1, 1)
END = START + timedelta(days=DAYS - 1)
GROUP: dict[str, Any] = {
    "description": "What a user writes, to how many, from where, how friendly, and when.",
    "source": "messages",
    "windows": [1, 7, 28],
    "features": {
        "messages_sent": {"aggregate": "count"},
        "recipients": {"aggregate": "distinct", "column": "recipient_id"},
        "devices": {"aggregate": "distinct", "column": "device"},
        "days_active": {"aggregate": "distinct", "column": "occurred_date", "windows": [7, 28]},
        "link_share": {"aggregate": "share", "where": {"has_link": True}},
        "reply_share": {"aggregate": "share", "where": {"is_reply": True}},
        "chars": {"aggregate": "sum", "column": "n_chars"},
        "message_chars": {"aggregate": "mean", "column": "n_chars"},
        "longest_message": {"aggregate": "max", "column": "n_chars", "windows": [7, 28]},
        "sentiment_mean": {"aggregate": "mean", "column": "sentiment"},
        "sentiment_min": {"aggregate": "min", "column": "sentiment", "windows": [7, 28]},
    },
    "ratios": {
        "messages_per_recipient": {"numerator": "messages_sent_7d", "denominator": "recipients_7d"}
    },
}

# Every draw hashes the row's number, so that the same table comes out on any number of threads.
MESSAGES = """
COPY (
    WITH drawn AS (
        SELECT
            i,
            hash(i) / 18446744073709551616.0 AS a,
            hash(i + 1000000007) / 18446744073709551616.0 AS b,
            hash(i + 2000000011) / 18446744073709551616.0 AS c,
            hash(i + 3000000019) / 18446744073709551616.0 AS d,
            TIMESTAMPTZ '{start} 00:00:00+00'
                + to_microseconds(CAST({days} * 86400000000 * (i / {events}) AS BIGINT)) AS moment
        FROM range({events}) AS numbers(i)
    ), placed AS (
        SELECT *, CAST(floor({users} * a * sqrt(a)) AS BIGINT) AS u FROM drawn
    )
    SELECT
        'u' || lpad(CAST(u AS VARCHAR), 7, '0') AS user_id,
        moment AS occurred_at,
        moment + to_seconds(CAST(CASE WHEN c < 0.05 THEN c * 5184000 ELSE 60 * c END AS BIGINT))
            AS ingested_at,
        'u' || lpad(CAST((u * 31 + CAST(floor(60 * b * b) AS BIGINT)) % {users} AS VARCHAR), 7, '0')
            AS recipient_id,
        ['android', 'ios', 'web', 'tablet'][1 + CAST(floor(3.99 * d * d * d) AS INTEGER)] AS device,
        CAST(1 + floor(400 * d * d) AS BIGINT) AS n_chars,
        CASE WHEN c BETWEEN 0.4 AND 0.42 THEN NULL ELSE round(2 * b - 1, 3) END AS sentiment,
        b < 0.04 AS has_link,
        c < 0.45 AS is_reply
    FROM placed ORDER BY i
) TO '{folder}/messages.parquet' (FORMAT parquet)
"""
# Labels fall on the last two months; with ten to a user, each in another of ten spans of days.
LABELS = """
COPY (
    SELECT
        'u' || lpad(CAST(i // {each} * ({users} * {each} // {labels}) AS VARCHAR), 7, '0')
            AS entity_id,
        DATE '{end}' - CAST(i % {each} * (56 // {each}) + hash(i) % (56 // {each}) AS INTEGER)
            AS as_of,
        hash(i + 7) % 50 = 0 AS label
    FROM range({labels}) AS numbers(i)
) TO '{folder}/labels_{each}.parquet' (FORMAT parquet)
"""
POPULATION = """
COPY (
    SELECT 'u' || lpad(CAST(u AS VARCHAR), 7, '0') AS entity_id, DATE '{end}' AS as_of
    FROM range({users}) AS numbers(u)
) TO '{folder}/population.parquet' (FORMAT parquet)
"""


def messages(scale: float) -> Data:
    """Describe messages and the users to describe on the last day.

    Args:
        scale: 1 is 20 million events; users follow.

    Returns:
        ``messages.parquet`` (as ``sources`` has it), ``population.parquet`` (``entity_id``,
        ``as_of``) and, one and ten to a user, ``labels_1.parquet`` and ``labels_10.parquet``.
    """
    return Data(f"messages-{scale:g}", partial(_store, scale))


def declarations() -> Declarations:
    """Return the group as an analyst would declare it: 30 features."""
    sources = {
        "messages": {"entity": "user_id", "occurred": "occurred_at", "ingested": "ingested_at"}
    }
    return parse_declarations({"sources": sources, "messages": GROUP})


def _store(scale: float, folder: Path) -> None:
    sizes = {"events": round(EVENTS * scale), "users": round(USERS * scale), "days": DAYS}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for each, query in ((0, MESSAGES), (0, POPULATION), (1, LABELS), (10, LABELS)):
            labels = sizes["users"] // 2
            connection.execute(
                query.format(**sizes, each=each, labels=labels, start=START, end=END, folder=folder)
            )
