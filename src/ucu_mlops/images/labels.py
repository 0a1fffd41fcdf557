"""Which labels the image model gives, and what is asked of each: configuration, not code."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ucu_mlops.errors import ConfigurationError
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
        object.__setattr__(self, "expert", tuple(self.expert))
        if not self.name.isidentifier():
            raise ConfigurationError(
                f"images.labels: {self.name!r} is no name; use letters, digits and _"
            )
        for key in ("recall", "precision_floor"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
                raise ConfigurationError(
                    f"images.labels.{self.name}.{key} must be above 0 and below 1, got {value!r}"
                )
        if self.decides not in {"network", "reader", "union"}:
            raise ConfigurationError(
                f"images.labels.{self.name}.decides must be network, reader or union, "
                f"got {self.decides!r}"
            )
        if self.decides != "network" and not self.expert:
            raise ConfigurationError(
                f"images.labels.{self.name}.decides is {self.decides!r}, but it names no expert"
            )


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
            raise ConfigurationError("images.labels is empty; name at least one label")

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
    labels = []
    known = set(asdict(ImageLabel("x"))) - {"name"}
    for name, asked in raw.items():
        given = dict(asked or {})
        if unknown := sorted(set(given) - known):
            raise ConfigurationError(
                f"images.labels.{name} has unknown {unknown}; known are {sorted(known)}"
            )
        labels.append(ImageLabel(name, **given))
    return LabelSet(tuple(labels))
