"""Unpack tables and parameters for the simulated platform's uploads."""

from datetime import date, timedelta
from typing import Any

import pandas as pd

from ucu_mlops.features.period import Period
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
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
    played = _play(platform, uploads, folder, uploads.past())
    truth = pd.concat([day.truth for day in played], ignore_index=True)
    labels = [give_labels(truth, uploads.labels, day, labelling) for day in uploads.past()]
    return _collected(played, labels)


def simulate_images_of_day(
    platform: PlatformOptions,
    uploads: UploadOptions,
    labelling: LabellingOptions,
    folder: str,
    period: Period,
) -> dict[str, Any]:
    """Let them upload on one more day, while moderators label what came before.

    What came before is drawn anew: no pipeline reads the truth.

    Args:
        platform: The platform; its seed says who is there.
        uploads: What they upload.
        labelling: How the moderators work.
        folder: Where the objects lie.
        period: Its end is the day.

    Returns:
        As ``simulate_past_images``, of the day alone.
    """
    day = period.as_of
    since = [day - timedelta(days=back) for back in range(labelling.max_delay_days, -1, -1)]
    days = [each for each in since if each >= uploads.past()[0]]
    played = _play(platform, uploads, folder, days)
    truth = pd.concat([each.truth for each in played], ignore_index=True)
    return _collected(played[-1:], [give_labels(truth, uploads.labels, day, labelling)])


def _play(
    platform: PlatformOptions, uploads: UploadOptions, folder: str, days: list[date]
) -> list[Any]:
    from ucu_mlops.simulation.pictures.uploads import upload_day  # noqa: PLC0415 (an extra)

    made = Platform(platform)
    return [upload_day(uploads, folder, day, made.people(day)) for day in days]


def _collected(played: list[Any], labels: list[pd.DataFrame]) -> dict[str, Any]:
    return {
        "objects": {name: content for day in played for name, content in day.objects.items()},
        "uploads": pd.concat([day.uploads for day in played], ignore_index=True),
        "image_labels": pd.concat(labels, ignore_index=True),
        "truth": pd.concat([day.truth for day in played], ignore_index=True),
    }
