"""What the uploads of a simulated platform can be told."""

from dataclasses import dataclass
from datetime import date, timedelta

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.simulation.options import check_range, parse_day
from ucu_mlops.simulation.pictures.names import LABELS
from ucu_mlops.simulation.pictures.options import check_names


@dataclass(frozen=True)
class UploadOptions:
    """How many pictures users upload, and what is on them.

    Attributes:
        end: Last day of the past; Kedro hands over an ISO string.
        days: Length of the past with uploads, days.
        per_day: Pictures a day.
        seed: Of all random numbers.
        labels: Names of the labels that moderators give.
        faulty: Share of uploads that are not what they should be, each kind as likely.
        near_duplicates: Share of uploads that repeat an earlier picture of the day, stored anew.
        smallest_side: Shortest longer side of a picture, pixels.
        largest_side: Longest longer side of a picture, pixels.
        new_look_day: First day on which QR codes come in a new look, an app's; None for never.
        new_look_share: Share of QR codes that do from then on.

    Raises:
        ConfigurationError: A number out of range, a day that is none, an unknown label.
    """

    end: date
    days: int = 28
    per_day: int = 143
    seed: int = 0
    labels: tuple[str, ...] = LABELS
    faulty: float = 0.03
    near_duplicates: float = 0.03
    smallest_side: int = 200
    largest_side: int = 480
    new_look_day: date | None = None
    new_look_share: float = 0.9

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", parse_day("uploads.end", self.end))
        if self.new_look_day is not None:
            day = parse_day("uploads.new_look_day", self.new_look_day)
            object.__setattr__(self, "new_look_day", day)
        object.__setattr__(self, "labels", check_names("uploads.labels", self.labels, LABELS))
        check_range("uploads.days", self.days, 1, 10_000)
        check_range("uploads.per_day", self.per_day, 0, 100_000)
        check_range("uploads.seed", self.seed, 0, 2**63)
        check_range("uploads.faulty", self.faulty, 0, 1)
        check_range("uploads.near_duplicates", self.near_duplicates, 0, 1)
        check_range("uploads.smallest_side", self.smallest_side, 64, 2_048)
        check_range("uploads.new_look_share", self.new_look_share, 0, 1)
        if self.largest_side < self.smallest_side:
            raise ConfigurationError(
                f"uploads.largest_side must be at least smallest_side={self.smallest_side}, "
                f"got {self.largest_side}"
            )

    def past(self) -> list[date]:
        """Return the days of the past, the first one first."""
        return [self.end - timedelta(days=back) for back in range(self.days - 1, -1, -1)]

    def new_look(self, day: date) -> float:
        """Return the share of QR codes that come in the new look on a day."""
        if self.new_look_day is None or day < self.new_look_day:
            return 0.0
        return self.new_look_share
