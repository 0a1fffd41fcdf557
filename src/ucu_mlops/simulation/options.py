"""What a simulated platform can be told: its size, its first day, and one thing that changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ucu_mlops.errors import ConfigurationError

SHIFTS = ("none", "new_scam", "broken_feed", "growth", "new_look")


def parse_day(name: str, value: object) -> date:
    """Return a day that configuration may have written as a string.

    Args:
        name: The parameter's name, for the message.
        value: A date, or an ISO date such as ``2026-03-31``.

    Returns:
        The day.

    Raises:
        ConfigurationError: The value is neither.
    """
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError(
            f"{name} must be a day such as 2026-03-31, got {value!r}"
        ) from None


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside of what it may be.

    Args:
        name: The parameter's name, for the message.
        value: Its value.
        low: Smallest allowed value.
        high: Largest allowed value.

    Raises:
        ConfigurationError: The value is below ``low`` or above ``high``.
    """
    if not low <= value <= high:
        raise ConfigurationError(f"{name} must be between {low} and {high}, got {value}")


@dataclass(frozen=True)
class Shift:
    """The one thing that changes on the platform, and when.

    Attributes:
        kind: ``new_scam`` (a new kind of scammer buys accounts of honest users, in numbers for a
            week and now and then afterwards, while six in ten of the old kinds give up),
            ``broken_feed`` (no message has a sentiment any more),
            ``growth`` (two weeks with many harmless newcomers), ``new_look`` (nine in ten QR codes
            on uploaded pictures are an app's, which no general reader decodes) or ``none``.
        day: First day on which it is so; needed unless ``kind`` is ``none``.

    Raises:
        ConfigurationError: An unknown kind, or a kind without its day.
    """

    kind: str = "none"
    day: date | None = None

    def __post_init__(self) -> None:
        if self.kind not in SHIFTS:
            raise ConfigurationError(
                f"shift.kind must be one of {', '.join(SHIFTS)}, got {self.kind!r}"
            )
        if self.day is not None:
            object.__setattr__(self, "day", parse_day("shift.day", self.day))
        elif self.kind != "none":
            raise ConfigurationError(f"shift.day must be given with shift.kind={self.kind}")

    def has_begun(self, kind: str, day: date) -> bool:
        """Return whether this is a shift of that kind and the day is not before it."""
        return self.kind == kind and self.day is not None and day >= self.day


@dataclass(frozen=True)
class PlatformOptions:
    """What a platform is made from; equal options, equal platform.

    Attributes:
        start: First day of the records; Kedro hands over an ISO string.
        seed: Of all random numbers.
        users: How many are there on the first day.
        prevalence: Share of scammers among them: a third have yet to begin, the others did so in
            the 50 days before. A 40th of their number begins on every day.
        newcomers: Honest newcomers a day, as a share of ``users``.
        late_share: Share of events that become known one or two days late.
        horizon_days: How many days can be played.
        shift: What changes; a mapping of its attributes will do.

    Raises:
        ConfigurationError: A number out of range, a day that is none, an unknown shift.
    """

    start: date
    seed: int = 0
    users: int = 20_000
    prevalence: float = 0.012
    newcomers: float = 0.006
    late_share: float = 0.03
    horizon_days: int = 365
    shift: Shift = field(default_factory=Shift)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", parse_day("start", self.start))
        object.__setattr__(self, "shift", _parse_shift(self.shift))
        check_range("seed", self.seed, 0, 2**63)
        check_range("users", self.users, 10, 10_000_000)
        check_range("prevalence", self.prevalence, 0, 0.5)
        check_range("newcomers", self.newcomers, 0, 1)
        check_range("late_share", self.late_share, 0, 1)
        check_range("horizon_days", self.horizon_days, 1, 10_000)

    @property
    def new_scammers_a_day(self) -> float:
        """How many begin on an average day, taken-over accounts included."""
        return self.users * self.prevalence / 40


def _parse_shift(raw: Any) -> Shift:
    if isinstance(raw, Shift):
        return raw
    if not isinstance(raw, Mapping) or not raw.keys() <= {"kind", "day"}:
        raise ConfigurationError(f"shift must have the keys kind and day, got {raw!r}")
    return Shift(**raw)
