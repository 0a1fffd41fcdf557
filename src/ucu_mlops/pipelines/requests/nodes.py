"""Read a spool as far as it was found, and let go of what is stored."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import ibis
import pyarrow as pa

from ucu_mlops.adapters.request_records import (
    DAMAGED,
    REQUESTS,
    damaged_batches,
    request_batches,
)
from ucu_mlops.adapters.request_spool import RequestSpool, SpoolFile, SpoolLine
from ucu_mlops.features.period import Period

logger = logging.getLogger(__name__)


def list_spool(spool: RequestSpool, period: Period) -> list[dict[str, Any]]:
    """Settle what is read: all nodes read the same bytes, whatever servers write meanwhile.

    Returns:
        One JSON object per file of the days up to ``as_of`` that waits: ``name``, ``size``,
        ``finished``.
    """
    return [asdict(each) for each in spool.files(period.as_of)]


def read_requests(spool: RequestSpool, listed: list[dict[str, Any]]) -> pa.RecordBatchReader:
    """Read the answers; memory does not grow with their number.

    Returns:
        One row per answer, the columns of ``requests``.
    """
    batches = request_batches(_lines(spool, listed), spool.model)
    return pa.RecordBatchReader.from_batches(REQUESTS, batches)


def read_damaged(spool: RequestSpool, listed: list[dict[str, Any]]) -> pa.RecordBatchReader:
    """Read the lines that are no answers.

    Returns:
        One row per line, the columns of ``damaged_requests``.
    """
    batches = damaged_batches(_lines(spool, listed), spool.model)
    return pa.RecordBatchReader.from_batches(DAMAGED, batches)


def retire_files(
    listed: list[dict[str, Any]], requests: ibis.Table, damaged: ibis.Table
) -> list[SpoolFile]:
    """Name the files whose lines are stored by now, in the one table or the other.

    Returns:
        What was listed; saving puts the finished ones aside.
    """
    files = [SpoolFile(**each) for each in listed]
    bad = damaged.filter(damaged["file"].isin([each.name for each in files])).count().execute()
    told = logger.warning if bad else logger.info
    said = "%s spooled files are stored, %s lines of them as damaged; %s answers are known"
    told(said, len(files), bad, requests.count().execute())
    return files


def _lines(spool: RequestSpool, listed: list[dict[str, Any]]) -> Iterator[SpoolLine]:
    return (line for each in listed for line in spool.lines(SpoolFile(**each)))
