"""What simulated moderators say is on a picture: late, not always, and wrong now and then.

The first pictures are labelled to train by; later ones are decided where they are queued.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.quality.hashing import hash_share
from ucu_mlops.simulation.options import check_range, parse_day

LABEL_TYPES = {
    "image_id": "str",
    "label": "str",
    "shown": "bool",
    "given_by": "str",
    "given_at": "datetime64[us, UTC]",
}
# Of these nobody ever saw the picture.
_UNSEEN = ("truncated", "not_an_image", "bomb", "missing", "outside")
_DAY_US, _OPENS_US = 86_400_000_000, 8 * 3_600_000_000


@dataclass(frozen=True)
class LabellingOptions:
    """How pictures are labelled.

    Attributes:
        looked_at: Share of the pictures that a moderator looks at.
        min_delay_days: Days after the upload's day on which that happens at the earliest.
        max_delay_days: Days after which it has happened.
        error_rate: Share of wrong answers, either way, of each label.
        moderators: How many there are.
        until: Last day whose uploads are labelled so, for a first training; later ones get a
            verdict where they are queued. None: of all days. Kedro hands over an ISO string.

    Raises:
        ConfigurationError: A number out of range, delays in the wrong order, or a day that is none.
    """

    looked_at: float = 1.0
    min_delay_days: int = 1
    max_delay_days: int = 3
    error_rate: float = 0.005
    moderators: int = 4
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None:
            object.__setattr__(self, "until", parse_day("labelling.until", self.until))
        check_range("labelling.looked_at", self.looked_at, 0, 1)
        check_range("labelling.min_delay_days", self.min_delay_days, 0, 365)
        check_range("labelling.error_rate", self.error_rate, 0, 1)
        check_range("labelling.moderators", self.moderators, 1, 10_000)
        if self.max_delay_days < self.min_delay_days:
            raise ConfigurationError(
                "labelling.max_delay_days must be at least min_delay_days="
                f"{self.min_delay_days}, got {self.max_delay_days}"
            )


def give_labels(
    truth: pd.DataFrame, labels: tuple[str, ...], day: date, options: LabellingOptions
) -> pd.DataFrame:
    """Return the labels that moderators give on a day.

    Who looks, when and whether wrongly hangs on the picture's id alone.

    Args:
        truth: One row per picture: ``image_id``, ``uploaded_at`` (timestamp, UTC), ``fault``
            (string) and a bool for each label.
        labels: What they are asked, in order.
        day: The day (UTC).
        options: How they work.

    Returns:
        One row per picture and label: ``image_id``, ``label`` (string), ``shown`` (bool),
        ``given_by`` (string) and ``given_at`` (timestamp, UTC).
    """
    span = options.max_delay_days - options.min_delay_days + 1
    delay = options.min_delay_days + np.floor(span * hash_share(truth["image_id"], "delay"))
    due = truth["uploaded_at"].dt.floor("D") + pd.to_timedelta(delay, unit="D")
    is_seen = hash_share(truth["image_id"], "looked at") < options.looked_at
    is_seen &= ~truth["fault"].isin(_UNSEEN).to_numpy()
    if options.until is not None:
        is_seen &= (truth["uploaded_at"].dt.date <= options.until).to_numpy()
    seen = truth[is_seen & (due == pd.Timestamp(day, tz="UTC")).to_numpy()]
    time = _OPENS_US + hash_share(seen["image_id"], "hour") * (_DAY_US - _OPENS_US)
    given_at = np.datetime64(day, "us") + time.astype("timedelta64[us]")
    who = 1 + np.floor(options.moderators * hash_share(seen["image_id"], "moderator")).astype(int)
    parts = [
        pd.DataFrame(
            {
                "image_id": seen["image_id"].to_numpy(),
                "label": label,
                "shown": seen[label].to_numpy(dtype=bool)
                ^ (hash_share(seen["image_id"], f"wrong {label}") < options.error_rate),
                "given_by": [f"moderator-{number}" for number in who],
                "given_at": pd.DatetimeIndex(given_at, tz="UTC"),
            }
        )
        for label in labels
    ]
    given = pd.concat(parts, ignore_index=True).astype(LABEL_TYPES)
    return given.sort_values(["image_id", "label"], ignore_index=True)


def shows(cases: pd.DataFrame, truth: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell of each case whether its picture truly shows its label.

    Args:
        cases: One row per case: ``entity_id`` (the picture) and ``label``.
        truth: One row per picture: ``image_id`` and a bool for each label.

    Returns:
        Shape ``(n_cases,)``.

    Raises:
        DataError: A case is about a picture the truth does not know.
    """
    known = truth.set_index("image_id")
    if unknown := sorted(set(cases["entity_id"]) - set(known.index)):
        raise DataError(
            f"cases are about {len(unknown)} pictures unknown to the simulation, such as "
            f"{unknown[0]!r}; hand over only cases of the simulated uploads"
        )
    rows = known.index.get_indexer(pd.Index(cases["entity_id"]))
    columns = known.columns.get_indexer(pd.Index(cases["label"]))
    return known.to_numpy()[rows, columns].astype(bool)
