"""Features where a server looks a user up: a day's snapshot, and single updates since.

warehouse, a day → snapshot ─▶ published at once ─┐
an update (user, feature, moment) ────────────────┴▶ row of one user, as of the later of both
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Protocol

import ibis

Value = float | str | None


@dataclass(frozen=True)
class OnlineFeature:
    """A published feature.

    Attributes:
        name: Its name.
        kind: ``numeric`` or ``categorical``.
        definition: Hash of all that decides its values, as a bundle carries it.
    """

    name: str
    kind: str
    definition: str


@dataclass(frozen=True)
class Published:
    """What is published.

    Attributes:
        as_of: The day of the snapshot.
        features: In the order of rows' values.
    """

    as_of: date
    features: tuple[OnlineFeature, ...]

    @property
    def moment(self) -> datetime:
        """The end of the day (UTC): what happened later is not in the snapshot."""
        return end_of(self.as_of)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where a feature's value is in a row."""
        return {feature.name: place for place, feature in enumerate(self.features)}


@dataclass(frozen=True)
class OnlineRow:
    """One user.

    Attributes:
        published: What the values are of.
        values: In the order of ``published.features``; None is unknown.
        moment: What they are as of (UTC): the snapshot's end, or the latest update's.
    """

    published: Published
    values: Sequence[Value]
    moment: datetime


@dataclass(frozen=True)
class Update:
    """One feature of one user, changed since the snapshot.

    Attributes:
        entity_id: The user.
        feature: Its name.
        moment: As of when (UTC).
        value: None is unknown.
    """

    entity_id: str
    feature: str
    moment: datetime
    value: Value


@dataclass(frozen=True)
class Snapshot:
    """A day's features of all users, to be published.

    Attributes:
        published: The day and its features.
        table: Lazily, one row per user: ``entity_id`` and the features by name (float64 or string).
    """

    published: Published
    table: ibis.Table


class OnlineFeatures(Protocol):
    """Where a server looks a user up."""

    async def published(self) -> Published | None:
        """Say what is published; None before the first snapshot.

        Raises:
            OnlineFeaturesError: The store cannot be read.
        """
        ...

    async def look_up(self, entity_id: str) -> OnlineRow | None:
        """Return a user's row; None if there is none, or nothing is published.

        Raises:
            OnlineFeaturesError: The store cannot be read.
        """
        ...


class WritableFeatures(Protocol):
    """Where features are published."""

    def publish(self, snapshot: Snapshot) -> Published:
        """Put a snapshot in the place of the one before, for all readers at once.

        Updates that are later than the snapshot's day stay. An earlier day does not replace a
        later one of the same features: a backfill must not turn the clock back.

        Returns:
            What is published now.

        Raises:
            OnlineFeaturesError: The store cannot be written, or somebody else publishes.
        """
        ...

    def update(self, updates: Sequence[Update]) -> None:
        """Write single values, all or none; one that is older than what is there is passed over.

        Raises:
            OnlineFeaturesError: The store cannot be written.
        """
        ...


def end_of(day: date) -> datetime:
    """Return the end of a day (UTC)."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)
