"""Unpack tables and parameters for the simulated platform's uploads."""

from datetime import date
from typing import Any

import pandas as pd

from ucu_mlops.features.period import Period
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
from ucu_mlops.simulation.pictures.uploads import DayOfUploads, upload_day
from ucu_mlops.simulation.pictures.verdicts import LabellingOptions, give_labels
from ucu_mlops.simulation.platform import Platform, PlatformOptions


def simulate_past_images(
    platform: PlatformOptions, uploads: UploadOptions, labelling: LabellingOptions, folder: str
) -> dict[str, Any]:
    """Let the platform's users upload pictures on the last days of its past.

    Returns:
        ``objects`` (bytes by name below the folder), ``uploads``, ``image_labels`` (those that
        moderators had given by the last day) and ``truth``.
    """
    people = Platform(platform)
    played = [upload_day(uploads, folder, day, people.people(day)) for day in uploads.past()]
    truth = pd.concat([day.truth for day in played], ignore_index=True)
    labels = [give_labels(truth, uploads.labels, day, labelling) for day in uploads.past()]
    return _collected(played, truth, labels)


def simulate_images_of_day(
    platform: PlatformOptions,
    uploads: UploadOptions,
    labelling: LabellingOptions,
    folder: str,
    truth: pd.DataFrame,
    period: Period,
) -> dict[str, Any]:
    """Let them upload on one more day, while moderators label what came before.

    Args:
        platform: The platform; its seed says who is there.
        uploads: What they upload.
        labelling: How the moderators work.
        folder: Where the objects lie.
        truth: Of the days before, as ``simulate_past_images`` gives it.
        period: Its end is the day.

    Returns:
        As ``simulate_past_images``, the day's; ``truth`` is that of all days.
    """
    day: date = period.as_of
    today = upload_day(uploads, folder, day, Platform(platform).people(day))
    before = truth[truth["uploaded_at"] < pd.Timestamp(day, tz="UTC")]
    known = pd.concat([before, today.truth], ignore_index=True)
    return _collected([today], known, [give_labels(known, uploads.labels, day, labelling)])


def _collected(
    played: list[DayOfUploads], truth: pd.DataFrame, labels: list[pd.DataFrame]
) -> dict[str, Any]:
    return {
        "objects": {name: content for day in played for name, content in day.objects.items()},
        "uploads": pd.concat([day.uploads for day in played], ignore_index=True),
        "image_labels": pd.concat(labels, ignore_index=True),
        "truth": truth,
    }
