"""Resource names, IDs, labels and sizes, as the protos' comments limit them."""

import re
from collections.abc import Mapping

from google.protobuf.struct_pb2 import Struct

from standins.vertex.refusals import invalid

PROJECT_NUMBER = "123456789012"
NODE_ID = re.compile(r"[a-z0-9-]{4,128}")
# One character shorter than metadata's: "less than 128 characters".
JOB_ID = re.compile(r"[a-z0-9-]{1,127}")
MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
LOCATION = re.compile(r"projects/([^/]+)/locations/([a-z]+-[a-z]+\d+)")
LABEL = 64
LABELS = 64
DISPLAY_NAME = 128
STRUCT_BYTES = 200 * 1024


def canonical(name: str) -> str:
    """Write a name with the project's number, as the service answers with."""
    return re.sub(r"^projects/[^/]+/", f"projects/{PROJECT_NUMBER}/", name)


def check_location(parent: str) -> str:
    """Return a location's name, canonical.

    Raises:
        RefusalError: It is none.
    """
    if not LOCATION.fullmatch(parent):
        raise invalid(f"parent must be projects/*/locations/*, got {parent!r}")
    return canonical(parent)


def check_id(pattern: re.Pattern[str], given: str, what: str) -> None:
    """Refuse an ID that does not match."""
    if not pattern.fullmatch(given):
        raise invalid(f"{what} must match {pattern.pattern}, got {given!r}")


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that are too long, too many, or hold other than lower case, digits, _ and -."""
    if len(labels) > LABELS:
        raise invalid(f"no more than {LABELS} labels, got {len(labels)}")
    for key, value in labels.items():
        if not key or not key[0].isalpha() or not (_fits(key) and _fits(value)):
            raise invalid(f"label {key!r}: {value!r} is no label")


def _fits(text: str) -> bool:
    return len(text) <= LABEL and all(
        char in "_-" or (char.isalnum() and char == char.lower()) for char in text
    )


def check_display_name(name: str) -> None:
    """Refuse a name for people that is too long."""
    if len(name) > DISPLAY_NAME:
        raise invalid(f"display_name may have {DISPLAY_NAME} characters, got {len(name)}")


def check_struct(metadata: Struct) -> None:
    """Refuse metadata of more than 200 KB, or with numbers that JSON does not know."""
    if (size := metadata.ByteSize()) > STRUCT_BYTES:
        raise invalid(f"metadata should not exceed 200KB, got {size} bytes")
    for number in _numbers(metadata):
        if number - number != 0.0:
            raise invalid("metadata holds a number that is not finite")


def _numbers(struct: Struct) -> list[float]:
    found: list[float] = []
    waiting = list(struct.fields.values())
    while waiting:
        value = waiting.pop()
        kind = value.WhichOneof("kind")
        if kind == "number_value":
            found.append(value.number_value)
        elif kind == "struct_value":
            waiting.extend(value.struct_value.fields.values())
        elif kind == "list_value":
            waiting.extend(value.list_value.values)
    return found
