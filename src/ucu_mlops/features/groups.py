"""What an analyst declares: groups of features, and each feature written out.

``messages_sent: {aggregate: count}`` under ``windows: [1, 7]`` becomes ``messages_sent_1d`` and
``messages_sent_7d``; a feature over an entity's whole life ends in ``_life``.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from json import dumps

Scalar = str | bool | int | float
Condition = tuple[tuple[str, tuple[Scalar, ...]], ...]

# Raise it when an aggregate comes to mean something else: stored rows then no longer join.
MEANING = 2
KINDS = ("numeric", "categorical")


@dataclass(frozen=True)
class Feature:
    """One column of a feature table.

    Attributes:
        name: The column.
        kind: ``numeric`` (float64) or ``categorical`` (string).
        unit: What the number counts, such as ``seconds``; empty where its name says it.
    """

    name: str
    kind: str
    unit: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Derived:
    """A column that an event gets from the entity's events before it, in the feature's window.

    Attributes:
        name: The column.
        made_by: ``seconds_since`` (since the latest event of an earlier second; null if there is
            none) or ``running_sum`` (of a column, up to and with the events of the same second).
        where: Which earlier events count, or which events are added; all if empty.
        column: What a running sum adds up.
        minus: Which events a running sum takes away.
    """

    name: str
    made_by: str
    where: Condition = ()
    column: str | None = None
    minus: Condition = ()


@dataclass(frozen=True)
class Aggregate(Feature):
    """A number about an entity's events up to the end of a day.

    Attributes:
        aggregate: One of ``parsing.AGGREGATES`` or ``functions.REGISTERED``.
        window: Whole days back, the day itself included; None for the whole life.
        column: The source's column that it is about.
        where: Column and allowed values; an event counts if it meets them all.
        of: For ``time_since``: ``first`` or ``last``.
        transform: ``log1p`` or None: what is done to each value first.
        derived: The derived column that it is about, in place of one of the source's.
        code: Hash of a registered function's code; None for other aggregates.
    """

    aggregate: str
    window: int | None
    column: str | None = None
    where: Condition = ()
    of: str | None = None
    transform: str | None = None
    derived: Derived | None = None
    code: str | None = None


@dataclass(frozen=True)
class Ratio(Feature):
    """One feature of the group by another; null where the denominator is 0 or null.

    Attributes:
        numerator: A numeric feature of the same group.
        denominator: Another.
    """

    numerator: str
    denominator: str


@dataclass(frozen=True)
class Attribute(Feature):
    """A column of the entity's latest known row."""


@dataclass(frozen=True)
class FeatureGroup:
    """Features from one source, stored together as ``features_<name>``.

    Attributes:
        name: The group.
        description: What it tells, for people.
        source: Whose rows it is computed from.
        features: All of them, written out.
        definition: Hash of all that decides the values; stored beside them.
    """

    name: str
    description: str
    source: str
    features: tuple[Feature, ...]
    definition: str

    @property
    def longest(self) -> int | None:
        """The longest window in days; None if something is about an entity's whole life."""
        windows = [each.window for each in self.aggregates]
        if self.attributes or None in windows:
            return None
        return max(each for each in windows if each is not None)

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The features computed from many events."""
        return tuple(each for each in self.features if isinstance(each, Aggregate))

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """The features computed from other features."""
        return tuple(each for each in self.features if isinstance(each, Ratio))

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The features copied from the latest row."""
        return tuple(each for each in self.features if isinstance(each, Attribute))

    def only(self, names: Collection[str]) -> "FeatureGroup":
        """Return the group with these features and what their ratios are made of.

        Args:
            names: Features of this group.

        Returns:
            A smaller group of the same definition.
        """
        parts = {
            part
            for ratio in self.ratios
            if ratio.name in names
            for part in (ratio.numerator, ratio.denominator)
        }
        kept = tuple(each for each in self.features if each.name in parts.union(names))
        return replace(self, features=kept)


@dataclass(frozen=True)
class Source:
    """A table of things that happened, and which of its columns play which part.

    Attributes:
        name: The table, as ``source_tables`` calls it.
        entity: Column of the entity's id; any type that can be written as text.
        occurred: Column of the moment at which it happened (timestamp, UTC).
        ingested: Column of the moment from which on it was known; None if that is ``occurred``.
    """

    name: str
    entity: str
    occurred: str
    ingested: str | None = None

    @property
    def known(self) -> str:
        """The column of the moment from which on a row was known."""
        return self.ingested or self.occurred


def definition_of(source: Source, features: Collection[Feature]) -> str:
    """Hash all that decides a group's values; the order of writing and the words do not.

    Args:
        source: What the group is computed from.
        features: The group's features.

    Returns:
        16 hexadecimal digits.
    """
    written = sorted(
        dumps([type(each).__name__, _deciding(each)], sort_keys=True) for each in features
    )
    content = dumps([MEANING, asdict(source), written], sort_keys=True)
    return blake2b(content.encode(), digest_size=8).hexdigest()


def _deciding(feature: Feature) -> dict[str, object]:
    return {key: value for key, value in asdict(feature).items() if key != "unit"}
