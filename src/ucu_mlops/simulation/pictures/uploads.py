"""What the users of a simulated platform upload on any one day, and what it really shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import SchemaError
from ucu_mlops.simulation.pictures.chance import chance, log_uniform, pick
from ucu_mlops.simulation.pictures.encoding import FAULTS, encode, store_again
from ucu_mlops.simulation.pictures.options import PictureOptions
from ucu_mlops.simulation.pictures.painting import paint
from ucu_mlops.simulation.pictures.screens import Drawn
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
from ucu_mlops.simulation.streams import stream

MISSING, OUTSIDE = "missing", "outside"  # nothing is stored; stored where nobody may look
ALL_FAULTS = (*FAULTS, MISSING, OUTSIDE)
_ELSEWHERE = "https://pictures.example"
_SCAMMERS_UPLOAD = 5.0  # times as much as the honest
_DAY_US, _LONGEST_LAG_US = 86_400_000_000, 20_000_000
# Shares of pictures by what they show; the rest shows no code.
_SHOWN = ("qr_code", "matrix_code", "linear_barcode")
_HONEST_SHOW, _SCAMMERS_SHOW = (0.13, 0.10, 0.22), (0.55, 0.03, 0.05)
_SECOND_CODE = 0.06  # of the pictures that show one


@dataclass(frozen=True)
class DayOfUploads:
    """What arrives on a day.

    Attributes:
        uploads: One row per picture: ``image_id``, ``user_id`` (string), ``uploaded_at``,
            ``ingested_at`` (timestamp, UTC), ``uri``, ``group`` (string: the background's family).
        truth: One row per picture, for moderators and reports about the simulation only:
            ``image_id``, ``uploaded_at`` (timestamp, UTC), ``fault`` (string, "" for none),
            ``look`` (string: ``usual`` or ``new``), ``repeats`` (string: the picture of which this
            is a near-duplicate, "" for none), and a bool for each label.
        objects: Bytes to be stored, by the name below the folder of objects.
    """

    uploads: pd.DataFrame
    truth: pd.DataFrame
    objects: Mapping[str, bytes]


@dataclass(frozen=True)
class _Made:
    drawn: Drawn
    content: bytes
    ending: str

    def shows(self, label: str) -> bool:
        return any(label == shown for shown, _ in self.drawn.corners)


def upload_day(
    options: UploadOptions, folder: str, day: date, people: pd.DataFrame | None = None
) -> DayOfUploads:
    """Draw what is uploaded on a day; it hangs on the options, the day and the people alone.

    Args:
        options: How much is uploaded, and what.
        folder: Where the objects will lie: a path or URL without a slash at its end.
        day: The day (UTC), within the past or later.
        people: One row per user who is there: ``user_id`` (string) and ``is_scammer`` (bool).
            Scammers upload more, and QR codes more often. Without it, 500 users are made up.

    Returns:
        The uploads, the truth about them and the objects.

    Raises:
        SchemaError: ``people`` lacks a column.
    """
    plan = _plan(options, day, _made_up() if people is None else people)
    made = [_make(options, day, plan, number) for number in range(len(plan))]
    names = [
        f"{day.isoformat()}/{image}.{each.ending}"
        for image, each in zip(plan["image_id"], made, strict=True)
    ]
    is_stored = ~plan["fault"].isin({MISSING, OUTSIDE})
    objects = {
        name: each.content
        for name, each, stored in zip(names, made, is_stored, strict=True)
        if stored
    }
    places = np.where(plan["fault"] == OUTSIDE, _ELSEWHERE, folder)
    uploads = plan[["image_id", "user_id", "uploaded_at", "ingested_at"]].assign(
        uri=[f"{place}/{name}" for place, name in zip(places, names, strict=True)],
        group=pd.array([each.drawn.family for each in made], dtype="str"),
    )
    repeats = plan["repeats"].to_numpy()
    truth = plan[["image_id", "uploaded_at", "fault"]].assign(
        look=pd.array([each.drawn.look for each in made], dtype="str"),
        repeats=np.where(repeats < 0, "", plan["image_id"].to_numpy()[repeats]),
        **{
            label: np.array([each.shows(label) for each in made], dtype=bool)
            for label in options.labels
        },
    )
    return DayOfUploads(uploads.astype({"uri": "str"}), truth.astype({"repeats": "str"}), objects)


def _own(options: UploadOptions, day: date, purpose: str) -> np.random.Generator:
    return stream(options.seed, f"uploads: {purpose}", day)


def _made_up() -> pd.DataFrame:
    number = np.arange(500)
    names = [f"user-{each:03d}" for each in number]
    return pd.DataFrame({"user_id": names, "is_scammer": number % 25 == 0})


def _plan(options: UploadOptions, day: date, people: pd.DataFrame) -> pd.DataFrame:
    """Say who uploads what and when, in order of time: all but the pictures themselves."""
    if missing := sorted({"user_id", "is_scammer"} - set(people.columns)):
        raise SchemaError(f"people of {day} need {missing}; got {list(people.columns)}")
    rng, n = _own(options, day, "plan"), options.per_day if len(people) else 0
    is_scammer = people["is_scammer"].to_numpy(dtype=bool)
    weights = np.where(is_scammer, _SCAMMERS_UPLOAD, 1.0)
    who = np.searchsorted(np.cumsum(weights[:-1]) / max(weights.sum(), 1), rng.random(n))
    microseconds = np.sort(rng.integers(0, _DAY_US - _LONGEST_LAG_US, n))
    lag = rng.integers(500_000, _LONGEST_LAG_US, n)
    midnight = np.datetime64(day, "us")
    return pd.DataFrame(
        {
            "image_id": [f"i{day:%Y%m%d}{number:06d}" for number in range(n)],
            "user_id": people["user_id"].to_numpy()[who],
            "uploaded_at": pd.DatetimeIndex(midnight + microseconds, tz="UTC"),
            "ingested_at": pd.DatetimeIndex(midnight + microseconds + lag, tz="UTC"),
            "shows": _shows(rng, is_scammer[who]),
            **_faults_and_repeats(rng, n, options),
        }
    ).astype({"image_id": "str", "user_id": "str", "shows": "str", "fault": "str"})


def _shows(rng: np.random.Generator, is_scammer: NDArray[np.bool_]) -> list[str]:
    edges = np.cumsum(np.where(is_scammer[:, None], _SCAMMERS_SHOW, _HONEST_SHOW), axis=1)
    number = (rng.random(len(is_scammer))[:, None] > edges).sum(axis=1)
    return [(*_SHOWN, "")[each] for each in number]


def _faults_and_repeats(
    rng: np.random.Generator, n: int, options: UploadOptions
) -> dict[str, object]:
    """Choose what is stored faultily, and which flawless picture repeats which earlier one."""
    is_faulty = rng.random(n) < options.faulty
    kinds = rng.integers(len(ALL_FAULTS), size=n)
    repeats = (rng.random(n) < options.near_duplicates) & ~is_faulty
    repeats[:1] = False
    earlier = np.floor(rng.random(n) * np.arange(n)).astype(np.int64)
    return {
        "fault": [
            ALL_FAULTS[kind] if bad else "" for kind, bad in zip(kinds, is_faulty, strict=True)
        ],
        "repeats": np.where(repeats & ~repeats[earlier] & ~is_faulty[earlier], earlier, -1),
    }


def _make(options: UploadOptions, day: date, plan: pd.DataFrame, number: int) -> _Made:
    """Draw and store the picture of a number, or an earlier one again."""
    rng, repeats = _own(options, day, f"stored {number}"), int(plan["repeats"].iloc[number])
    source = number if repeats < 0 else repeats
    drawn = _draw(options, day, source, plan["shows"].iloc[source])
    image = drawn.image if repeats < 0 else store_again(rng, drawn.image)
    return _Made(drawn, *FAULTS.get(plan["fault"].iloc[number], encode)(rng, image))


def _draw(options: UploadOptions, day: date, number: int, shows: str) -> Drawn:
    """Draw the picture of a number, whoever asks for it."""
    rng = _own(options, day, f"picture {number}")
    side = round(log_uniform(rng, options.smallest_side, options.largest_side))
    pictures = PictureOptions(side=side, channels=3, app_codes=options.new_look(day))
    labels = [shows] if shows else []
    if shows and chance(rng, _SECOND_CODE):
        labels.append(pick(rng, _SHOWN))
    return paint(rng, options.seed, pictures, labels)
