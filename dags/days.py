"""Which day a run is about."""

from datetime import UTC, date, datetime, timedelta

from airflow.sdk import Param

AS_OF = Param(
    None,
    type=["null", "string"],
    format="date",
    title="Day",
    description="A complete UTC day, such as 2026-04-01; empty: the last one before the run.",
)


def day_of(given: str | None, run_after: datetime) -> str:
    """Name the day that a run scores: the one given, else the last complete one.

    ``run_after`` and not ``logical_date``: that one is null in manual runs, and under a cron
    string the run's own time, whose day is not over.

    Args:
        given: The day asked for, or None.
        run_after: When the run may start, with its time zone.

    Raises:
        ValueError: The day asked for was not over when the run started.
    """
    last = run_after.astimezone(UTC).date() - timedelta(days=1)
    if given is None:
        return last.isoformat()
    if date.fromisoformat(given) > last:
        raise ValueError(f"as_of {given} is not over; the last complete UTC day is {last}")
    return given
