"""The simulated platform: what its source tables receive on any one day."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.simulation.events import DAY_US, REASONS, Columns, draw_events
from ucu_mlops.simulation.kinds import IS_SCAMMER, KIND_NAMES
from ucu_mlops.simulation.options import PlatformOptions, Shift
from ucu_mlops.simulation.population import CHANNELS, COUNTRIES, DEVICES, draw_population
from ucu_mlops.simulation.streams import stream

__all__ = ["SOURCE_TABLES", "Platform", "PlatformOptions", "Shift"]

SOURCE_TABLES = ("users", "sessions", "messages", "reports")

_MAX_LAG = 2
_ON_TIME_US = 30_000_000.0  # mean delay of what is not late
_MORNING_US = 6 * 3_600_000_000  # what is late arrives before six


class Platform:
    """A platform whose every day is a function of its options, the day and who was sent away."""

    def __init__(self, options: PlatformOptions) -> None:
        """Draw everybody who will ever join.

        Args:
            options: What the platform is made from.
        """
        self.options = options
        self._population = draw_population(options)
        self._positions = pd.Index(_text(self._population.user_ids))
        self._late: dict[date, dict[str, Columns]] = {}

    def day(self, day: date, departed: Collection[str] = ()) -> dict[str, pd.DataFrame]:
        """Return what becomes known on a day.

        Some events of the two days before arrive late, today; some of today's will arrive
        tomorrow or the day after. Those of departed users never arrive.

        Args:
            day: The day of ingestion (UTC).
            departed: Ids of the users who were sent away before the day.

        Returns:
            The new rows of ``users`` (one per user who joined; on the first day all who were
            there), ``sessions``, ``messages`` and ``reports`` (one per event), times as
            ``datetime64[us, UTC]``; ``sentiment`` (-1 to 1) is NaN where the feed gives none.

        Raises:
            ConfigurationError: The day is before the start or beyond the horizon.
            DataError: A departed user is nobody of this platform.
        """
        self.check_playable(day)
        gone = self._gone(departed)
        late_first = [day - timedelta(days=lag) for lag in range(_MAX_LAG, -1, -1)]
        occurred = [each for each in late_first if each >= self.options.start]
        parts = [self._known(each, (day - each).days, gone) for each in occurred]
        self._late = {each: self._late[each] for each in occurred[-_MAX_LAG:]}
        merged = {
            table: {
                name: np.concatenate([part[table][name] for part in parts])
                for name in parts[0][table]
            }
            for table in SOURCE_TABLES[1:]
        }
        if self.options.shift.has_begun("broken_feed", day):
            merged["messages"]["sentiment"][:] = np.nan
        return {
            "users": self._users(day),
            "sessions": self._sessions(merged["sessions"]),
            "messages": self._messages(merged["messages"]),
            "reports": self._reports(merged["reports"]),
        }

    def check_playable(self, day: date) -> None:
        """Refuse a day before the start or beyond the horizon.

        Args:
            day: The day to be played (UTC).

        Raises:
            ConfigurationError: It is such a day.
        """
        last = self.options.start + timedelta(days=self.options.horizon_days - 1)
        if not self.options.start <= day <= last:
            raise ConfigurationError(
                f"the platform can be played from {self.options.start} to {last}, got {day}; "
                "change start or horizon_days"
            )

    def truth(self) -> pd.DataFrame:
        """Return who is who, for moderators and for reports about the simulation only.

        Returns:
            One row per user who joins before the horizon: ``user_id``, ``kind``, ``is_scammer``
            and ``active_from`` (``datetime64[us, UTC]``, first day of scamming; NaT if honest).
        """
        people = self._population
        return pd.DataFrame(
            {
                "user_id": _text(people.user_ids),
                "kind": _words(KIND_NAMES, people.kind),
                "is_scammer": IS_SCAMMER[people.kind],
                "active_from": pd.DatetimeIndex(
                    people.active_from.astype("datetime64[us]"), tz="UTC"
                ),
            }
        )

    def people(self, day: date, departed: Collection[str] = ()) -> pd.DataFrame:
        """Return who is there on a day and whether they scam by then: hidden from every model.

        Args:
            day: The day (UTC).
            departed: Ids of the users who were sent away before the day.

        Returns:
            One row per user: ``user_id`` (string) and ``is_scammer`` (bool).

        Raises:
            ConfigurationError: The day is before the start or beyond the horizon.
            DataError: A departed user is nobody of this platform.
        """
        self.check_playable(day)
        there = self._population.present(day)
        there = there[~self._gone(departed)[there]]
        is_scammer = self._population.active_from[there] <= np.datetime64(day)
        return pd.DataFrame({"user_id": self._ids(there), "is_scammer": is_scammer})

    def _gone(self, departed: Collection[str]) -> NDArray[np.bool_]:
        positions = self._positions.get_indexer(pd.Index(sorted(departed), dtype="str"))
        if unknown := int((positions < 0).sum()):
            raise DataError(
                f"{unknown} of {len(positions)} departed users are nobody of this platform; play "
                "on with the seed and users that made the warehouse"
            )
        gone = np.zeros(len(self._positions), dtype=bool)
        gone[positions] = True
        return gone

    def _known(self, occurred: date, lag: int, gone: NDArray[np.bool_]) -> dict[str, Columns]:
        """Return the events of one day that become known ``lag`` days later."""
        if lag == 0 or occurred not in self._late:
            rng = stream(self.options.seed, "events", occurred)
            drawn = self._with_times(occurred, rng)
            self._late[occurred] = {
                table: _chosen(columns, columns["lag"] > 0) for table, columns in drawn.items()
            }
        else:
            drawn = self._late[occurred]
        known = {}
        for table, columns in drawn.items():
            rows = (columns["lag"] == lag) & ~gone[columns["user"]]
            if "reporter" in columns:
                rows &= ~gone[columns["reporter"]]
            known[table] = _chosen(columns, rows)
        return known

    def _with_times(self, day: date, rng: np.random.Generator) -> dict[str, Columns]:
        """Draw a day's events and turn times of day into moments, counts into numbered days."""
        tables = draw_events(self._population, day, self.options.late_share, rng)
        midnight = np.datetime64(day, "us").astype(np.int64)
        for columns in tables.values():
            lag, occurred = columns["lag"], columns["occurred"]
            soon = occurred + rng.exponential(_ON_TIME_US, len(lag)).astype(np.int64)
            morning = lag * DAY_US + rng.integers(0, _MORNING_US, len(lag))
            ingested = np.where(lag == 0, np.minimum(soon, DAY_US - 1), morning)
            columns["ingested"] = midnight + ingested
            columns["occurred"] = midnight + occurred
            columns["number"] += int(day.strftime("%Y%m%d")) * 10_000_000
        return tables

    def _users(self, day: date) -> pd.DataFrame:
        people = self._population
        new = np.flatnonzero(people.joined == np.datetime64(day))
        midnight = np.datetime64(day, "us")
        return pd.DataFrame(
            {
                "user_id": _text(people.user_ids.take(pa.array(new))),
                "signed_up_at": _moments(people.signed_up[new]),
                "ingested_at": _moments(np.maximum(people.signed_up[new], midnight)),
                "country": _words(COUNTRIES, people.country[new]),
                "signup_channel": _words(CHANNELS, people.channel[new]),
                "phone_verified": people.verified[new],
                "profile_completeness": people.completeness[new].round(3),
            }
        )

    def _sessions(self, events: Columns) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "session_id": _numbered("s", events["number"]),
                "user_id": self._ids(events["user"]),
                "occurred_at": _moments(events["occurred"]),
                "ingested_at": _moments(events["ingested"]),
                "duration_s": events["duration_s"],
                "device": _words(DEVICES, events["device"]),
                "ip_country": _words(COUNTRIES, events["ip_country"]),
            }
        )

    def _messages(self, events: Columns) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "message_id": _numbered("m", events["number"]),
                "user_id": self._ids(events["user"]),
                "occurred_at": _moments(events["occurred"]),
                "ingested_at": _moments(events["ingested"]),
                "recipient_id": self._ids(events["recipient"]),
                "n_chars": events["n_chars"],
                "sentiment": events["sentiment"],
                "has_link": events["has_link"],
                "is_reply": events["is_reply"],
            }
        )

    def _reports(self, events: Columns) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "report_id": _numbered("r", events["number"]),
                "user_id": self._ids(events["user"]),
                "reporter_id": self._ids(events["reporter"]),
                "occurred_at": _moments(events["occurred"]),
                "ingested_at": _moments(events["ingested"]),
                "reason": _words(REASONS, events["reason"]),
            }
        )

    def _ids(self, positions: NDArray[np.int64]) -> Any:
        return _text(self._population.user_ids.take(pa.array(positions)))


def _chosen(columns: Columns, rows: NDArray[np.bool_]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def _text(words: pa.LargeStringArray) -> Any:
    return pd.array(words, dtype="str")


def _words(words: Sequence[str], positions: NDArray[np.int64]) -> Any:
    return _text(pa.array(words, type=pa.large_string()).take(pa.array(positions)))


def _numbered(letter: str, numbers: NDArray[np.int64]) -> Any:
    digits = pa.array(numbers).cast(pa.large_string())
    none = pa.scalar("", pa.large_string())
    return _text(pc.binary_join_element_wise(pa.scalar(letter, pa.large_string()), digits, none))


def _moments(microseconds: NDArray[Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.astype("datetime64[us]"), tz="UTC")
