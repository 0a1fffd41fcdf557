"""Bring the store of pictures up to date, as the parameters say."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

import ibis
import pandas as pd
from tqdm import tqdm

from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.period import Period
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.images.objects import ObjectOptions
from ucu_mlops.images.settings import FILE
from ucu_mlops.images.shards import ShardStore, StoreOptions, update_shards
from ucu_mlops.quality.checks import refuse

logger = logging.getLogger(__name__)

DECODING = ("side", "channels", "max_pixels")
OBJECTS = ("places", "concurrency", "attempts", "pause_s", "max_bytes")


def store_options(raw: dict[str, Any]) -> StoreOptions:
    """Read how pictures are fetched and kept: ``images.store`` of the parameters.

    Raises:
        ConfigurationError: An unknown key, or a value out of its range.
    """
    known = sorted([*DECODING, *OBJECTS, "parts"])
    if unknown := sorted(set(raw) - set(known)):
        refuse("images", "store", FILE, f"keys of {known}", unknown)
    return StoreOptions(
        decoding=DecodingOptions(**{key: raw[key] for key in DECODING if key in raw}),
        objects=ObjectOptions(**{key: raw[key] for key in OBJECTS if key in raw}),
        **({"parts": raw["parts"]} if "parts" in raw else {}),
    )


def store_pictures(
    uploads: ibis.Table, stored: ShardStore, store: dict[str, Any], period: Period
) -> tuple[ShardStore, pd.DataFrame]:
    """Fetch what is new or changed, decode it once, and write down what is refused.

    Returns:
        The store, and one row per refused picture: ``image_id``, ``uri``, ``reason``, ``detail``,
        ``as_of`` (date).

    Raises:
        NotEnoughDataError: Every picture was refused.
    """
    frame: pd.DataFrame = uploads.execute()
    options = store_options(store)
    refused = update_shards(stored.folder, frame, options, partial(_shown, "storing pictures"))
    for reason, count in refused["reason"].value_counts().items():
        logger.warning("images: %s refused: %s", count, reason)
    found = ShardStore.open(stored.folder)
    if found.index.empty:
        raise NotEnoughDataError(
            f"all of the {len(frame)} uploaded pictures were refused, "
            f"{refused['detail'].iloc[0] if len(refused) else 'there are none'}; "
            "see the quarantine, and images.store.places"
        )
    return found, refused.assign(as_of=period.as_of)


def _shown(what: str, each: Iterable[Any], total: int) -> Iterable[Any]:
    return tqdm(each, desc=what, total=total, mininterval=2)
