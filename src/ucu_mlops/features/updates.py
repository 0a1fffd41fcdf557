"""Single values that changed since the snapshot, as a caller writes them: a JSON object a line."""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.online import Published, Update, Value

KEYS = {"entity_id", "moment", "features"}


def read_updates(lines: Iterable[str], published: Published) -> Iterator[Update]:
    """Read and check lines such as ``{"entity_id": "u1", "moment": "2026-04-01T09:30Z",
    "features": {"messages_sent_1d": 3}}``; empty ones are passed over.

    Args:
        lines: The lines.
        published: What may be updated.

    Raises:
        SchemaError: A line is no update; says which, and why.
    """  # noqa: D205 (a line of JSON is not broken)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield from _updates(json.loads(line), published)
        except (SchemaError, ValueError) as error:
            raise SchemaError(f"line {number}: {error}") from error


def _updates(raw: Any, published: Published) -> Iterator[Update]:
    if not isinstance(raw, dict) or set(raw) != KEYS:
        raise SchemaError(f"an update is an object of {sorted(KEYS)}")
    entity_id, features = raw["entity_id"], raw["features"]
    if not isinstance(entity_id, str) or not entity_id:
        raise SchemaError(f"entity_id must be text, got {entity_id!r}")
    if not isinstance(features, dict) or not features:
        raise SchemaError("features must be an object of at least one")
    moment = _moment(raw["moment"])
    for name, value in features.items():
        yield Update(entity_id, name, moment, _checked(name, value, published))


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise SchemaError(f"moment must have date, time and zone, got {value!r}")
    return moment.astimezone(UTC)


def _checked(name: str, value: Any, published: Published) -> Value:
    place = published.places.get(name)
    if place is None:
        raise SchemaError(f"{name!r} is not published; it must be a declared feature")
    if value is None:
        return None
    if published.features[place].kind == "categorical":
        if not isinstance(value, str):
            raise SchemaError(f"{name!r} must be text or null, got {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemaError(f"{name!r} must be a finite number or null, got {value!r}")
    return float(value)
