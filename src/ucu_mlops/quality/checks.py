"""Refuse a parameter that is no sensible value, in one line: key, file, what is allowed, what came.

Kedro hands over what YAML said: text, null, 2.5 cases or not-a-number where a count is needed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from ucu_mlops.errors import ConfigurationError


@dataclass(frozen=True)
class Allowed:
    """Which numbers a parameter may be.

    Attributes:
        least: Smallest one allowed; None allows any.
        most: Largest one allowed.
        above: All must be above it.
        below: All must be below it.
        whole: Whether it counts something: then it is a whole number.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one of them."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not math.isfinite(value) or (self.whole and not isinstance(value, int)):
            return False
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """Say it in words."""
        ends = [
            f"{words} {end:g}"
            for words, end in (
                ("at least", self.least),
                ("above", self.above),
                ("at most", self.most),
                ("below", self.below),
            )
            if end is not None
        ]
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} {' and '.join(ends)}".strip()


COUNT = Allowed(least=1, whole=True)
COUNT_OR_NONE = Allowed(least=0, whole=True)
SHARE = Allowed(least=0, most=1)
INNER_SHARE = Allowed(above=0, below=1)
SOME_SHARE = Allowed(above=0, most=1)
POSITIVE = Allowed(above=0)
NOT_NEGATIVE = Allowed(least=0)


def check_numbers(options: object, section: str, file: str, **allowed: Allowed) -> None:
    """Check fields of options.

    Args:
        options: The options.
        section: Key under which the file has them, such as ``drift``.
        file: The file below ``conf/*/parameters/``, such as ``monitoring.yml``.
        allowed: Which numbers each field may be, by name.

    Raises:
        ConfigurationError: A field is none of them.
    """
    for name, numbers in allowed.items():
        if not numbers.holds(value := getattr(options, name)):
            refuse(section, name, file, str(numbers), value)


def check_choices(
    options: object, section: str, file: str, **known: tuple[str, ...] | tuple[int, ...]
) -> None:
    """Check that fields are each one of a few known values.

    Args:
        options: The options.
        section: Key under which the file has them, such as ``images.model.looks``.
        file: The file below ``conf/*/parameters/``.
        known: What each field may be, by name.

    Raises:
        ConfigurationError: A field is none of them.
    """
    for name, values in known.items():
        value = getattr(options, name)
        if isinstance(value, bool) or value not in values:  # true would pass for 1
            refuse(section, name, file, " or ".join(map(str, values)), value)


def check_flag(options: object, section: str, file: str, name: str) -> None:
    """Check that a field is true or false.

    Raises:
        ConfigurationError: It is neither.
    """
    if not isinstance(value := getattr(options, name), bool):
        refuse(section, name, file, "true or false", value)


def check_words(options: object, section: str, file: str, name: str) -> None:
    """Check that a field is a list of words; a bare word would be read letter by letter.

    Raises:
        ConfigurationError: It is none.
    """
    value = getattr(options, name)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        refuse(section, name, file, "a list of names, such as [account_age]", value)


def build_part(options: object, section: str, file: str, name: str, kind: type) -> None:
    """Make a part of options from the plain mapping that Kedro hands over.

    Raises:
        ConfigurationError: It is no mapping, or has a key that the part does not know.
    """
    given = getattr(options, name)
    if isinstance(given, kind):
        return
    if not isinstance(given, Mapping):
        refuse(section, name, file, "keys with values", given)
    known = sorted(each.name for each in fields(kind))
    if unknown := sorted(set(given) - set(known)):
        refuse(section, name, file, f"keys of {known}", unknown)
    object.__setattr__(options, name, kind(**given))


def refuse(section: str, name: str, file: str, allowed: str, value: Any) -> NoReturn:
    """Refuse a value.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(
        f"{section}.{name} must be {allowed}, got {value!r}; correct conf/*/parameters/{file}"
    )
