"""Tensors as bytes, as the Open Inference Protocol's binary extension and gRPC spell them.

Numbers are little-endian, one behind the other; of BYTES each element is preceded by its length in
four bytes. Specification: https://github.com/kserve/open-inference-protocol, binary data extension.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from ucu_mlops.serving.problems import BadRequestProblem

NUMBERS = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
LENGTH = struct.Struct("<I")


def from_bytes(name: str, datatype: str, raw: bytes) -> list[Any]:
    """Read a tensor's elements.

    Args:
        name: The tensor's, for the message.
        datatype: The protocol's name of it.
        raw: Its bytes.

    Returns:
        Numbers; of BYTES each element's bytes.

    Raises:
        BadRequestProblem: The bytes are no whole elements, or of a datatype that is not known.
    """
    if datatype == "BYTES":
        return _elements(name, raw)
    if datatype not in NUMBERS:
        raise BadRequestProblem(f"input {name!r} has datatype {datatype[:20]!r}, which is not read")
    kind = np.dtype(NUMBERS[datatype])
    if len(raw) % kind.itemsize:
        raise BadRequestProblem(f"input {name!r}: {len(raw)} bytes are no whole {datatype}")
    values: list[Any] = np.frombuffer(raw, kind).tolist()
    return values


def to_bytes(datatype: str, values: Sequence[Any]) -> bytes:
    """Spell a tensor's elements; those of BYTES are text."""
    if datatype != "BYTES":
        return np.array(values, NUMBERS[datatype]).tobytes()
    encoded = [each.encode() for each in values]
    return b"".join(LENGTH.pack(len(each)) + each for each in encoded)


def _elements(name: str, raw: bytes) -> list[bytes]:
    elements, start = [], 0
    while start < len(raw):
        begin = start + LENGTH.size
        end = begin + LENGTH.unpack_from(raw, start)[0] if begin <= len(raw) else len(raw) + 1
        if end > len(raw):
            raise BadRequestProblem(f"input {name!r}: an element of BYTES ends behind the tensor")
        elements.append(raw[begin:end])
        start = end
    return elements
