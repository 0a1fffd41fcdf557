"""The days that a run is about."""

from dataclasses import dataclass
from datetime import date, timedelta

from ucu_mlops.errors import ConfigurationError


@dataclass(frozen=True)
class Period:
    """Whole UTC days, both ends included; the run's ``as_of`` is the last of them.

    Attributes:
        start: First day; Kedro hands over an ISO string.
        end: Last day, the run's ``as_of``.

    Raises:
        ConfigurationError: A day is not an ISO date, or ``end`` lies before ``start``.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            object.__setattr__(self, name, _day(name, getattr(self, name)))
        if self.end < self.start:
            raise ConfigurationError(
                f"period ends before it starts: start={self.start}, end={self.end}; "
                "pass --params=start=…,end=… in order, or as_of alone"
            )

    @property
    def as_of(self) -> date:
        """The day at whose end the run stands."""
        return self.end

    def last(self, days: int) -> "Period":
        """Return the ``days`` days that end with this period's last."""
        return Period(self.end - timedelta(days=days - 1), self.end)


def _day(name: str, value: date | str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError(
            f"{name} must be a day such as 2026-03-31, got {value!r}"
        ) from None
