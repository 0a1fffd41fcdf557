"""Read the columns that a group derives from the order of events."""

from collections.abc import Mapping
from typing import Any

from ucu_mlops.features.groups import Derived
from ucu_mlops.features.reading import (
    read_condition,
    read_mapping,
    read_name,
    read_text,
    refuse,
)

ANY = "any"
WAYS = ("seconds_since", "running_sum")


def parse_columns(raw: Any, where: str) -> dict[str, Derived]:
    """Read derived columns.

    Args:
        raw: By name, ``{seconds_since: any}``, ``{seconds_since: {column: values}}`` or
            ``{running_sum: column, plus: {column: values}, minus: {column: values}}``.
        where: Which group, for messages.

    Returns:
        The columns by name.

    Raises:
        ConfigurationError: Anything in them is wrong.
    """
    return {name: _parse(name, each, where) for name, each in read_mapping(raw, where).items()}


def _parse(name: str, raw: Any, where: str) -> Derived:
    here = f"{where}, {name!r}"
    read_name(name, here)
    given = read_mapping(raw, here, (*WAYS, "plus", "minus"))
    if len(ways := [way for way in WAYS if way in given]) != 1:
        refuse(here, f"must have one of {list(WAYS)}, got {sorted(given)}")
    if ways == ["running_sum"]:
        column = read_text(given["running_sum"], f"{here}, running_sum")
        return Derived(
            name,
            "running_sum",
            where=_optional(given, "plus", here),
            column=column,
            minus=_optional(given, "minus", here),
        )
    read_mapping(given, here, ("seconds_since",))
    if given["seconds_since"] == ANY:
        return Derived(name, "seconds_since")
    return Derived(name, "seconds_since", read_condition(given["seconds_since"], here))


def _optional(given: Mapping[str, Any], key: str, where: str) -> Any:
    return read_condition(given[key], f"{where}, {key}") if key in given else ()
