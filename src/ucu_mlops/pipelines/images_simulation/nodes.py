"""Unpack tables and parameters for the simulated platform's uploads."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.features.period import Period
from ucu_mlops.simulation.moderators import ModeratorOptions, decide_by, decided_elsewhere
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
from ucu_mlops.simulation.pictures.verdicts import LabellingOptions, give_labels, shows
from ucu_mlops.simulation.platform import Platform, PlatformOptions

MODEL = "images"  # whose cases are decided here


def simulate_past_images(
    platform: PlatformOptions, uploads: UploadOptions, labelling: LabellingOptions, folder: str
) -> dict[str, Any]:
    """Let the platform's users upload pictures on the last days of its past.

    Returns:
        ``objects`` (bytes by name below the folder), ``uploads``, ``image_labels`` (those that
        moderators had given by the last day) and ``truth``.
    """
    played = _play(platform, uploads, folder, uploads.past())
    truth = pd.concat([day.truth for day in played], ignore_index=True)
    labels = [give_labels(truth, uploads.labels, day, labelling) for day in uploads.past()]
    return _collected(played, labels)


def simulate_images_of_day(
    platform: PlatformOptions,
    uploads: UploadOptions,
    labelling: LabellingOptions,
    folder: str,
    truth: ibis.Table,
    period: Period,
) -> dict[str, Any]:
    """Let them upload on one more day, while moderators label what came before.

    Args:
        platform: The platform; its seed says who is there.
        uploads: What they upload.
        labelling: How the moderators work.
        folder: Where the objects lie.
        truth: What the pictures before really show.
        period: Its end is the day.

    Returns:
        As ``simulate_past_images``, of the day alone.
    """
    day = period.as_of
    played = _play(platform, uploads, folder, [day])
    before = truth.filter(truth["uploaded_at"].date() < day).execute()
    known = pd.concat([before, *(each.truth for each in played)], ignore_index=True)
    return _collected(played, [give_labels(known, uploads.labels, day, labelling)])


def decide_image_cases(
    moderators: ModeratorOptions,
    cases: ibis.Table,
    verdicts: ibis.Table,
    truth: ibis.Table,
    period: Period,
) -> pd.DataFrame:
    """Let moderators decide open cases about pictures, late and wrongly now and then.

    Returns:
        The day's verdicts, other models' too; the columns of ``verdicts``.
    """
    own, known = cases.filter(cases["model"] == MODEL).execute(), verdicts.execute()
    shown = partial(shows, truth=truth.execute())
    decided = decide_by(shown, own, known, period.as_of, moderators)
    others = decided_elsewhere(known, own, period.as_of)
    return pd.concat([others, decided], ignore_index=True)


def _play(
    platform: PlatformOptions, uploads: UploadOptions, folder: str, days: list[date]
) -> list[Any]:
    from ucu_mlops.simulation.pictures.uploads import upload_day  # noqa: PLC0415 (an extra)

    made, shift = Platform(platform), platform.shift
    if shift.kind == "new_look":
        uploads = replace(uploads, new_look_day=shift.day)
    return [upload_day(uploads, folder, day, made.people(day)) for day in days]


def _collected(played: list[Any], labels: list[pd.DataFrame]) -> dict[str, Any]:
    return {
        "objects": {name: content for day in played for name, content in day.objects.items()},
        "uploads": pd.concat([day.uploads for day in played], ignore_index=True),
        "image_labels": pd.concat(labels, ignore_index=True),
        "truth": pd.concat([day.truth for day in played], ignore_index=True),
    }
