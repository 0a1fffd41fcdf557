"""Read one declared group and write its features out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ucu_mlops.features.derived import parse_columns
from ucu_mlops.features.functions import REGISTERED
from ucu_mlops.features.groups import (
    KINDS,
    Aggregate,
    Attribute,
    Derived,
    Feature,
    FeatureGroup,
    Ratio,
    Source,
    definition_of,
)
from ucu_mlops.features.reading import (
    check_unique,
    hint,
    read_choice,
    read_condition,
    read_mapping,
    read_name,
    read_text,
    refuse,
)
from ucu_mlops.features.sources import NUMBERS_ONLY

# Aggregate: keys it needs, keys it may have besides.
AGGREGATES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "count": (frozenset(), frozenset({"where", "windows"})),
    "share": (frozenset({"where"}), frozenset({"windows"})),
    **{
        name: (frozenset({"column"}), frozenset({"where", "windows", "transform"}))
        for name in ("sum", "mean", "min", "max", "std")
    },
    "distinct": (frozenset({"column"}), frozenset({"where", "windows"})),
    "top_share": (frozenset({"column"}), frozenset({"where", "windows"})),
    "time_since": (frozenset({"of"}), frozenset({"where"})),
    **{
        name: (
            frozenset() if each.needs == "nothing" else frozenset({"column"}),
            frozenset({"where", "windows"}),
        )
        for name, each in REGISTERED.items()
    },
}
TRANSFORMS = ("log1p",)
GROUP_KEYS = ("description", "source", "windows", "columns", "features", "ratios", "attributes")
KEYS_OF_A_ROW = ("entity_id", "as_of", "definition")
LIFE = "life"
LONGEST = 3_650  # days: ten years; days are numbers that a warehouse must be able to hold


def parse_group(name: str, raw: Any, sources: Mapping[str, Source]) -> FeatureGroup:
    """Read a group.

    Args:
        name: Its key in the file.
        raw: Its value.
        sources: The declared sources; a group of another one gets one in name only, and is not
            computed.

    Returns:
        The group, its features written out.

    Raises:
        ConfigurationError: Anything in it is wrong.
    """
    where = f"group {name!r}"
    read_name(name, where)
    group = read_mapping(raw, where, GROUP_KEYS, ("description", "source"))
    source = read_text(group["source"], f"{where}, source")
    features = (*_aggregates(group, where), *_attributes(group, where))
    features += tuple(_ratios(group, features, where))
    if not features:
        refuse(where, "declares nothing; add features or attributes")
    check_unique([feature.name for feature in features], where)
    return FeatureGroup(
        name=name,
        description=read_text(group["description"], f"{where}, description"),
        source=source,
        features=features,
        definition=definition_of(sources.get(source, Source(source, "", "")), features),
    )


def _aggregates(group: Mapping[str, Any], where: str) -> Iterator[Aggregate]:
    default = _windows(group["windows"], f"{where}, windows") if "windows" in group else None
    derived = parse_columns(group.get("columns", {}), f"{where}, columns")
    unused = set(derived)
    for name, raw in read_mapping(group.get("features", {}), f"{where}, features").items():
        here = f"{where}, feature {name!r}"
        _feature_name(name, here)
        given = read_mapping(raw, here, required=("aggregate",))
        aggregate = read_choice(given["aggregate"], f"{here}, aggregate", AGGREGATES)
        needed, optional = AGGREGATES[aggregate]
        read_mapping(given, here, {"aggregate", "unit", *needed, *optional}, sorted(needed))
        unused.discard(given.get("column"))
        for each in _written_out(name, aggregate, given, default, here):
            about = _about(each, derived, here)
            yield replace(about, unit=_unit(given, about, here))
    if unused:
        refuse(f"{where}, columns", f"no feature is about {sorted(unused)}; use or remove them")


def _written_out(
    name: str,
    aggregate: str,
    given: Mapping[str, Any],
    default: tuple[int | None, ...] | None,
    where: str,
) -> Iterator[Aggregate]:
    column = read_text(given["column"], f"{where}, column") if "column" in given else None
    condition = read_condition(given["where"], f"{where}, where") if "where" in given else ()
    transform = None
    if "transform" in given:
        transform = read_choice(given["transform"], f"{where}, transform", TRANSFORMS)
    if aggregate == "time_since":
        of = read_choice(given["of"], f"{where}, of", ("first", "last"))
        yield Aggregate(name, "numeric", aggregate, None, where=condition, of=of)
        return
    windows = _windows(given["windows"], f"{where}, windows") if "windows" in given else default
    if windows is None:
        refuse(where, "has no windows; add them here or to the group, such as windows: [1, 7]")
    for window in windows:
        suffix = LIFE if window is None else f"{window}d"
        yield Aggregate(
            f"{name}_{suffix}",
            "numeric",
            aggregate,
            window,
            column=column,
            where=condition,
            transform=transform,
        )


def _unit(given: Mapping[str, Any], feature: Aggregate, where: str) -> str:
    if feature.aggregate == "time_since":
        known = "days"
    else:
        is_delay = feature.derived is not None and feature.derived.made_by == "seconds_since"
        known = "seconds" if is_delay else ""
    if known and "unit" in given:
        refuse(where, f"counts {known} whatever is said; leave unit out")
    return read_text(given["unit"], f"{where}, unit") if "unit" in given else known


def _about(feature: Aggregate, derived: Mapping[str, Derived], where: str) -> Aggregate:
    """Put a derived column in place of its name, and beside a function the hash of its code."""
    if registered := REGISTERED.get(feature.aggregate):
        feature = replace(feature, code=registered.code)
    if feature.column is None or feature.column not in derived:
        return feature
    if feature.aggregate not in NUMBERS_ONLY or feature.transform:
        refuse(
            where,
            f"{feature.column!r} is derived: its aggregate must be one of {sorted(NUMBERS_ONLY)}, "
            f"without transform, got {feature.aggregate!r}",
        )
    return replace(feature, column=None, derived=derived[feature.column])


def _windows(raw: Any, where: str) -> tuple[int | None, ...]:
    if not (isinstance(raw, (list, tuple)) and raw):
        refuse(where, f"must be a list of days or {LIFE!r}, such as [1, 7, {LIFE}], got {raw!r}")
    for each in raw:
        if each != LIFE and (isinstance(each, bool) or not isinstance(each, int) or each < 1):
            refuse(where, f"must be whole days of at least 1 or {LIFE!r}, got {each!r}")
        if each != LIFE and each > LONGEST:
            refuse(where, f"must be at most {LONGEST} days, got {each!r}; write {LIFE!r}")
    if len(set(raw)) < len(raw):
        refuse(where, f"repeats a window, got {list(raw)}")
    return tuple(None if each == LIFE else each for each in raw)


def _attributes(group: Mapping[str, Any], where: str) -> Iterator[Attribute]:
    for name, kind in read_mapping(group.get("attributes", {}), f"{where}, attributes").items():
        here = f"{where}, attribute {name!r}"
        yield Attribute(_feature_name(name, here), read_choice(kind, here, KINDS))


def _ratios(group: Mapping[str, Any], features: tuple[Feature, ...], where: str) -> Iterator[Ratio]:
    numeric = {feature.name for feature in features if feature.kind == "numeric"}
    for name, raw in read_mapping(group.get("ratios", {}), f"{where}, ratios").items():
        here = f"{where}, ratio {name!r}"
        keys = ("numerator", "denominator")
        given = read_mapping(raw, here, keys, keys)
        for key in keys:
            if given[key] not in numeric:
                refuse(
                    f"{here}, {key}",
                    f"must be a numeric feature of this group with its window, got {given[key]!r}"
                    f"{hint(given[key], numeric)}",
                )
        yield Ratio(_feature_name(name, here), "numeric", given["numerator"], given["denominator"])


def _feature_name(name: str, where: str) -> str:
    if name in KEYS_OF_A_ROW:
        refuse(where, f"{list(KEYS_OF_A_ROW)} are columns of every feature table; rename it")
    return read_name(name, where)
