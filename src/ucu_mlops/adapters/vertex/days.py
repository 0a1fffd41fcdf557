"""Days that are named by a word, because only the run knows its moment: a schedule's ``as_of``."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ucu_mlops.errors import ConfigurationError

LAST_DAY = "last-complete-day"


def named_days(params: Mapping[str, Any], dates: Collection[str], scheduled: str) -> dict[str, Any]:
    """Put a day in place of the word that names it.

    Every task of a job gets the same day, and a task that is tried again after midnight, too: what
    counts is when the job was scheduled.

    Args:
        params: A run's parameters.
        dates: Names of those that are dates.
        scheduled: When the job was scheduled, ISO 8601 with its offset from UTC.

    Returns:
        The same; where a date was ``last-complete-day``, the last UTC day that was over then.

    Raises:
        ConfigurationError: A day is named, and ``scheduled`` is no such moment.
    """
    named = {name for name in dates if params.get(name) == LAST_DAY}
    if not named:
        return dict(params)
    moment = _moment(scheduled)
    if moment is None:
        raise ConfigurationError(
            f"{min(named)}={LAST_DAY} needs to know when the job was scheduled, got"
            f" {scheduled!r}; give the day itself, such as {min(named)}=2026-04-01"
        )
    day = (moment.astimezone(UTC).date() - timedelta(days=1)).isoformat()
    return {**params, **dict.fromkeys(named, day)}


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else None
