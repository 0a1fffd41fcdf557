"""The platform's uploads: the past, and a further day that fits to it."""

from datetime import date

import ibis
import pandas as pd

from ucu_mlops.features.period import Period
from ucu_mlops.pipelines.images_simulation.nodes import (
    simulate_images_of_day,
    simulate_past_images,
)
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
from ucu_mlops.simulation.pictures.verdicts import LabellingOptions
from ucu_mlops.simulation.platform import PlatformOptions

PLATFORM = PlatformOptions(start=date(2026, 3, 1), users=60, horizon_days=10)


def past_until(day: int) -> UploadOptions:
    """Make options for a few small pictures from the second of March to a day."""
    sizes = {"per_day": 8, "smallest_side": 64, "largest_side": 64}
    return UploadOptions(end=date(2026, 3, day), days=day - 1, **sizes)


def test_a_day_played_on_equals_the_longer_past():
    """Three days and one more are the same as four: uploads, objects, labels, truth."""
    moderators = LabellingOptions()
    known = simulate_past_images(PLATFORM, past_until(4), moderators, "o")
    more = simulate_images_of_day(
        PLATFORM,
        past_until(4),
        moderators,
        "o",
        ibis.memtable(known["truth"]),
        Period(start=date(2026, 3, 5), end=date(2026, 3, 5)),
    )
    longer = simulate_past_images(PLATFORM, past_until(5), moderators, "o")
    assert longer["objects"] == known["objects"] | more["objects"]
    for table in ("uploads", "image_labels", "truth"):
        both = pd.concat([known[table], more[table]], ignore_index=True)
        pd.testing.assert_frame_equal(longer[table], both)
    assert len(more["uploads"]) == 8
    assert len(longer["image_labels"]) > 0
