"""Lines of a spool as rows of ``requests``, and what is wrong with those that are none."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from ucu_mlops.adapters.request_spool import SpoolLine
from ucu_mlops.errors import DataError

BATCH_ROWS, BATCH_BYTES = 4_096, 8 * 2**20
REQUESTS = pa.schema(
    {
        "request_id": pa.string(),
        "model": pa.string(),
        "version": pa.string(),
        "entity_id": pa.string(),
        "at": pa.timestamp("us", "UTC"),
        "day": pa.date32(),
        "experiment": pa.string(),
        "variant": pa.string(),
        "shadow": pa.bool_(),
        "probabilities": pa.string(),
        "latency_ms": pa.float64(),
        "error": pa.string(),
        "caller": pa.string(),
        "reference": pa.string(),
        "inputs": pa.string(),
    }
)
DAMAGED = pa.schema(
    {
        "model": pa.string(),
        "file": pa.string(),
        "start": pa.int64(),
        "day": pa.date32(),
        "reason": pa.string(),
        "line": pa.string(),
    }
)
NEEDED = ("request_id", "model", "version")
OPTIONAL = ("entity_id", "experiment", "variant", "error", "caller", "reference")


def request_batches(lines: Iterable[SpoolLine], model: str) -> Iterator[pa.RecordBatch]:
    """Give the lines that are answers as rows of ``requests``, in bounded batches."""
    return _batches(_good(lines, model), REQUESTS)


def damaged_batches(lines: Iterable[SpoolLine], model: str) -> Iterator[pa.RecordBatch]:
    """Give the other lines, each with its place and what is wrong with it."""
    return _batches(_bad(lines, model), DAMAGED)


def request_row(content: bytes, model: str) -> dict[str, Any]:
    """Read one line.

    Args:
        content: The line.
        model: Whose spool it lies in.

    Returns:
        A row of ``requests``: ``probabilities`` is what the record says of each label, as JSON;
        ``inputs`` the given features, as JSON; null where the record has none.

    Raises:
        DataError: It is no answer of the model; says why.
    """
    record = _record(content)
    row = {name: _text(record, name) for name in (*NEEDED, *OPTIONAL)}
    if missing := [name for name in NEEDED if not row[name]]:
        raise DataError(f"lacks {missing[0]}")
    if row["model"] != model:
        raise DataError(f"is an answer of {row['model']}")
    at = _moment(record.get("at"))
    return row | {
        "at": at,
        "day": at.date(),
        "shadow": record.get("shadow") is True,
        "probabilities": _labels(record.get("labels"), failed=row["error"] is not None),
        "latency_ms": _number("latency_ms", record.get("latency_ms")),
        "inputs": _json(record.get("inputs")),
    }


def _good(lines: Iterable[SpoolLine], model: str) -> Iterator[tuple[dict[str, Any], int]]:
    for line in lines:
        try:
            yield request_row(line.content, model), len(line.content)
        except DataError:  # it is in the other list
            continue


def _bad(lines: Iterable[SpoolLine], model: str) -> Iterator[tuple[dict[str, Any], int]]:
    for line in lines:
        try:
            request_row(line.content, model)
        except DataError as error:
            row = {
                "model": model,
                "file": line.file,
                "start": line.start,
                "day": datetime.fromisoformat(line.file.partition("/")[0]).date(),
                "reason": str(error),
                "line": line.content.decode("utf-8", "backslashreplace"),
            }
            yield row, len(line.content)


def _batches(
    rows: Iterable[tuple[dict[str, Any], int]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    size = 0
    for row, length in rows:
        waiting.append(row)
        size += length
        if len(waiting) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema)


def _record(content: bytes) -> Mapping[str, Any]:
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if not content.endswith(b"\n"):
            raise DataError("is half written") from error
        record = _lenient(content)
    if not isinstance(record, dict):
        raise DataError("is no JSON object")
    return record


def _lenient(content: bytes) -> Any:
    """Read what the server spelled the slow way, for a number beyond 64 bits: NaN is null then."""
    try:
        record = json.loads(content, parse_constant=lambda _: None)
        json.dumps(record, ensure_ascii=False).encode()  # half a pair of surrogates is no text
    except (ValueError, RecursionError) as error:
        raise DataError("is no JSON") from error
    return record


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if not isinstance(value, str | None):
        raise DataError(f"{name} is no text")
    return value


def _moment(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise DataError("at is no time") from error
    if at.tzinfo is None:
        raise DataError("at has no time zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise DataError("at is no time") from error


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{name} is no number")
    return float(value)


def _labels(value: Any, *, failed: bool) -> str | None:
    """Check what is said of the labels; a request that failed may have none."""
    if value is None and failed:
        return None
    if not isinstance(value, dict) or not value:
        raise DataError("lacks labels")
    for name, said in value.items():
        probability = said.get("probability") if isinstance(said, dict) else None
        found = _number(f"probability of {name}", probability)
        if found is None or not 0 <= found <= 1:
            raise DataError(f"probability of {name} is none")
    return _json(value)


def _json(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits, or nested deeper than orjson goes
        pass
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise DataError("is nested too deep") from error
