"""All that ``conf/<env>/features/*.yml`` declares: sources, labels, groups.

Reserved top-level keys are ``sources`` and ``labels``; each other one is a group. Kedro lays an
environment's files over those of ``base``, key by key, so an environment with other ``sources``
still sees the groups of ``base``. A group whose source the environment does not declare is
dormant: its name and features are known, so that asking for one explains itself, but it is not
among ``groups`` and nothing computes it. A source that is nearly written like a declared one is
taken for a typing error and refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.groups import Feature, FeatureGroup, Source
from ucu_mlops.features.parsing import parse_group
from ucu_mlops.features.reading import check_unique, hint, read_mapping, read_text, refuse

SOURCES, LABELS = "sources", "labels"
ALMOST_THE_SAME = 0.8  # a letter or two of ten: "mesages" is "messages", "images" is not


@dataclass(frozen=True)
class LabelSource:
    """Which columns of a table of labels play which part.

    Attributes:
        entity: Column of the entity's id.
        as_of: Column of the day, or of a moment in it, at whose end the label is to be judged.
        label: Column of the label: 0 or 1, or a boolean.
        cohort: Column of the cohort the row belongs to; None if all are one.
    """

    entity: str
    as_of: str
    label: str
    cohort: str | None = None


@dataclass(frozen=True)
class Declarations:
    """What is declared, checked.

    Attributes:
        sources: Source name to source.
        groups: The groups that can be computed here, by name.
        labels: Where labels come from; None if not declared.
        dormant: The groups whose source is not declared here.
    """

    sources: Mapping[str, Source]
    groups: tuple[FeatureGroup, ...]
    labels: LabelSource | None = None
    dormant: tuple[FeatureGroup, ...] = ()

    def source(self, name: str) -> Source:
        """Return a declared source.

        Raises:
            ConfigurationError: It is not declared here.
        """
        if name not in self.sources:
            raise ConfigurationError(
                f"source {name!r} is not declared, declared are {sorted(self.sources)}"
                f"{hint(name, self.sources)}; declare it under sources in conf/<env>/features/"
            )
        return self.sources[name]

    def group(self, name: str) -> FeatureGroup:
        """Return a declared group.

        Raises:
            ConfigurationError: It is not declared, or its source is not declared here.
        """
        known = {group.name: group for group in self.groups}
        if name in known:
            return known[name]
        if name in {group.name for group in self.dormant}:
            raise ConfigurationError(
                f"group {name!r} sleeps here: its source is not declared in this environment"
            )
        words = [*known, *(each.name for group in self.groups for each in group.features)]
        raise ConfigurationError(
            f"{name!r} is neither a group nor a feature here, groups are {sorted(known)}"
            f"{hint(name, words)}"
        )

    @property
    def units(self) -> dict[str, str]:
        """What features count, by name: those that need a word."""
        features = (feature for group in self.groups for feature in group.features)
        return {feature.name: feature.unit for feature in features if feature.unit}

    def group_of(self, name: str) -> FeatureGroup:
        """Return the group that declares a feature.

        Raises:
            ConfigurationError: No group declares it, or one whose source is not declared here.
        """
        for group in self.groups:
            if any(feature.name == name for feature in group.features):
                return group
        raise self._unavailable(name)

    def feature(self, name: str) -> Feature:
        """Return a declared feature.

        Raises:
            ConfigurationError: No group declares it, or one whose source is not declared here.
        """
        return next(each for each in self.group_of(name).features if each.name == name)

    def _unavailable(self, name: str) -> ConfigurationError:
        for group in self.dormant:
            if any(feature.name == name for feature in group.features):
                return ConfigurationError(
                    f"feature {name!r} is not available: group {group.name!r} needs source "
                    f"{group.source!r}, declared are {sorted(self.sources)}; declare it under "
                    "sources in conf/<env>/features/"
                )
        known = {feature.name for group in self.groups for feature in group.features}
        return ConfigurationError(
            f"feature {name!r} is not declared in any group of conf/<env>/features/"
            f"{hint(name, known) or f'; groups are {[group.name for group in self.groups]}'}"
        )


def parse_declarations(raw: Mapping[str, Any]) -> Declarations:
    """Check and read what the feature files declare.

    Args:
        raw: All files' content, merged.

    Returns:
        The declarations, their features written out.

    Raises:
        ConfigurationError: Anything in them is wrong; the message names group, feature and key.
    """
    read_mapping(raw, "top level", required=(SOURCES,))
    sources = {
        name: _source(name, each)
        for name, each in read_mapping(raw[SOURCES], f"{SOURCES!r}").items()
    }
    groups = [
        parse_group(name, each, sources)
        # Kedro reads files in an order that differs from run to run, and trees heed columns' order.
        for name, each in sorted(raw.items())
        if name not in (SOURCES, LABELS)
    ]
    awake = tuple(group for group in groups if group.source in sources)
    check_unique([each.name for group in awake for each in group.features], "all groups together")
    dormant = tuple(group for group in groups if group.source not in sources)
    for group in dormant:
        if near := hint(group.source, sources, ALMOST_THE_SAME):
            refuse(f"group {group.name!r}, source", f"{group.source!r} is not declared{near}")
    labels = _labels(raw[LABELS]) if raw.get(LABELS) is not None else None
    return Declarations(sources, awake, labels, dormant)


def _source(name: str, raw: Any) -> Source:
    where = f"source {name!r}"
    keys = ("entity", "occurred", "ingested")
    given = read_mapping(raw, where, keys, keys[:2])
    return Source(name, **{key: read_text(each, f"{where}, {key}") for key, each in given.items()})


def _labels(raw: Any) -> LabelSource:
    keys = ("entity", "as_of", "label", "cohort")
    given = read_mapping(raw, f"{LABELS!r}", keys, keys[:3])
    return LabelSource(
        **{key: read_text(each, f"{LABELS!r}, {key}") for key, each in given.items()}
    )
