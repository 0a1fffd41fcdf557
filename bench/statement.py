"""The best SQL that we know to write by hand: the peer that a warehouse's user would be.

One pass for what adds up, a bit per day for what is counted once, moments as whole numbers.
"""

WINDOWS = (1, 7, 28)


def statement(seen: str, rows: str, keys: str) -> str:
    """Write the features as one statement.

    Args:
        seen: Query of the events that each row sees, with its ``keys`` and their ``age`` in days.
        rows: The rows, which have the ``keys``.
        keys: Columns, with commas between them.
    """
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
    WITH seen AS ({seen}
    ), measured AS (
        SELECT {keys}, bit_or(1 << age) AS days, {measured} FROM seen GROUP BY {keys}
    ), different_recipients AS ({_different("recipients", "recipient_id", keys)}
    ), different_devices AS ({_different("devices", "device", keys)}
    )
    SELECT {keys}, {columns}, {longer},
        messages_sent_7d / nullif(recipients_7d, 0) AS messages_per_recipient
    FROM {rows} AS described
    LEFT JOIN measured USING ({keys})
    LEFT JOIN different_recipients USING ({keys})
    LEFT JOIN different_devices USING ({keys})
    """  # noqa: S608


def _different(name: str, column: str, keys: str) -> str:
    counted = ", ".join(
        f"count(*) FILTER (days & {2**days - 1} > 0) AS {name}_{days}d" for days in WINDOWS
    )
    return f"""
        SELECT {keys}, {counted} FROM (
            SELECT {keys}, {column}, bit_or(1 << age) AS days FROM seen
            WHERE {column} IS NOT NULL GROUP BY ALL
        ) GROUP BY {keys}"""  # noqa: S608
