"""Read hand-written declarations strictly: an unknown key is a typing error, and says so."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any, NoReturn

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.groups import Condition, Scalar

NAME = re.compile(r"[a-z][a-z0-9_]*")


def refuse(where: str, what: str) -> NoReturn:
    """Refuse a declaration.

    Args:
        where: Which group, feature and key.
        what: What was needed and what came.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(f"feature declarations, {where}: {what}")


def hint(given: object, allowed: Collection[str], cutoff: float = 0.6) -> str:
    """Say which allowed word, at least so alike, a wrong one was meant to be, or nothing."""
    near = get_close_matches(str(given), sorted(allowed), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def read_mapping(
    raw: Any, where: str, allowed: Collection[str] | None = None, required: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return ``raw`` if it is a mapping with the right keys.

    Args:
        raw: What the file holds.
        where: Which group, feature and key, for the message.
        allowed: The keys that may occur; any text when None.
        required: The keys that must.

    Raises:
        ConfigurationError: No mapping, an unknown key or a missing one.
    """
    if not isinstance(raw, Mapping):
        refuse(where, f"must be a mapping of keys to values, got {raw!r}")
    for key in raw:
        if not isinstance(key, str):
            refuse(where, f"keys must be text, got {key!r}; quote it")
        if allowed is not None and key not in allowed:
            refuse(where, f"unknown key {key!r}; allowed are {sorted(allowed)}{hint(key, allowed)}")
    if missing := [key for key in required if key not in raw]:
        refuse(where, f"lacks {missing}; got {sorted(raw)}")
    return raw


def read_name(raw: Any, where: str) -> str:
    """Return ``raw`` if it can name a table or a column on every warehouse."""
    if not (isinstance(raw, str) and NAME.fullmatch(raw)):
        refuse(where, f"a name must be small letters, digits and underscores, got {raw!r}")
    return raw


def read_text(raw: Any, where: str) -> str:
    """Return ``raw`` if it is text and not empty."""
    if not (isinstance(raw, str) and raw.strip()):
        refuse(where, f"must be text, got {raw!r}")
    return raw.strip()


def read_choice(raw: Any, where: str, allowed: Collection[str]) -> str:
    """Return ``raw`` if it is one of the allowed words."""
    if not isinstance(raw, str) or raw not in allowed:
        refuse(where, f"must be one of {sorted(allowed)}, got {raw!r}{hint(raw, allowed)}")
    return raw


def check_unique(names: Collection[str], where: str) -> None:
    """Refuse a name that stands for two things."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            refuse(where, f"{name!r} is declared twice; rename one")
        seen.add(name)


def read_condition(raw: Any, where: str) -> Condition:
    """Return which values of which columns an event must have, in the order of the columns."""
    if not read_mapping(raw, where):
        refuse(where, "must name a column and its values, such as {has_link: true}, got nothing")
    terms = tuple(
        (column, _values(values, f"{where}, column {column!r}"))
        for column, values in sorted(raw.items())
    )
    for column, values in terms:
        if column == "occurred_hour" and not set(values) <= set(range(24)):
            refuse(f"{where}, column {column!r}", f"hours are 0 to 23, got {list(values)}")
        if column == "occurred_date":
            refuse(where, "occurred_date is a day to count, not to choose by: that is a calendar")
    return terms


def _values(raw: Any, where: str) -> tuple[Scalar, ...]:
    values = raw if isinstance(raw, (list, tuple)) else [raw]
    kinds = {type(each) for each in values}
    finite = all(not isinstance(each, float) or isfinite(each) for each in values)
    alike = len(kinds) == 1 or kinds == {int, float}
    if not (alike and kinds <= {str, bool, int, float} and finite):
        refuse(
            where, f"must be text, number, true or false, or a list of one of these, got {raw!r}"
        )
    return tuple(sorted(set(values)))
