"""Which labels the image model gives, and what is asked of each: configuration, not code."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import (
    INNER_SHARE,
    check_choices,
    check_numbers,
    check_words,
    refuse,
)
from ucu_mlops.quality.hashing import derived_id


@dataclass(frozen=True)
class ImageLabel:
    """One label, and what is asked of it.

    Attributes:
        name: The label, for instance ``qr_code``.
        recall: Wished recall; the threshold is the one that reaches it at the best precision.
        precision_floor: Precision below which false alarms are no longer bearable.
        expert: Symbologies, by zxing-cpp's names, that make a reader find this label; none where
            only the network decides.
        decides: Who decides where there is an expert: ``network``, ``reader`` or ``union``.
    """

    name: str
    recall: float = 0.95
    precision_floor: float = 0.5
    expert: tuple[str, ...] = ()
    decides: str = "network"

    def __post_init__(self) -> None:
        """Refuse what no label can ask."""
        section = f"images.labels.{self.name}"
        if not self.name.isidentifier():
            refuse("images", "labels", FILE, "names of letters, digits and _", self.name)
        check_numbers(self, section, FILE, recall=INNER_SHARE, precision_floor=INNER_SHARE)
        check_words(self, section, FILE, "expert")
        check_choices(self, section, FILE, decides=("network", "reader", "union"))
        object.__setattr__(self, "expert", tuple(self.expert))
        if self.decides != "network" and not self.expert:
            refuse(section, "expert", FILE, f"a list of codes, as decides is {self.decides}", [])


@dataclass(frozen=True)
class LabelSet:
    """The labels of a model, in the order of its outputs.

    Attributes:
        labels: The labels.
    """

    labels: tuple[ImageLabel, ...]

    def __post_init__(self) -> None:
        """Refuse a set that is empty or names a label twice."""
        if not self.labels:
            refuse("images", "labels", FILE, "at least one label", {})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the outputs."""
        return tuple(each.name for each in self.labels)

    @property
    def version(self) -> str:
        """A hash of the names in order: two models with the same answer the same question."""
        return derived_id(*self.names)


def parse_labels(raw: Mapping[str, Mapping[str, Any] | None]) -> LabelSet:
    """Read the labels from configuration: name → what is asked of it.

    Raises:
        ConfigurationError: No label, an unknown key, or a value out of its range.
    """
    known = sorted({each.name for each in fields(ImageLabel)} - {"name"})
    labels = []
    for name, asked in raw.items():
        given = {} if asked is None else asked
        if not isinstance(given, Mapping) or not set(given) <= set(known):
            refuse("images.labels", name, FILE, f"keys of {known} with values", asked)
        labels.append(ImageLabel(str(name), **given))
    return LabelSet(tuple(labels))
