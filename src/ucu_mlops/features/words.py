"""Say in words what is declared, for analysts."""

from collections.abc import Iterator, Mapping, Sequence

from ucu_mlops.features.compile import ZERO_OF_NOTHING
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.functions import REGISTERED
from ucu_mlops.features.groups import (
    Aggregate,
    Attribute,
    Condition,
    Derived,
    Feature,
    FeatureGroup,
    Ratio,
)

Users = Mapping[str, Sequence[str]]


def list_groups(declarations: Declarations, users: Users) -> Iterator[str]:
    """List every group in a line, by name: files come in no certain order.

    Args:
        declarations: What is declared.
        users: By model, the features that it uses.
    """
    for group in sorted(declarations.groups, key=lambda each: each.name):
        used = sum(_used_by(each, users) != "" for each in group.features)
        models = sorted({model for each in group.features for model in _models(each, users)})
        counts = f"{len(group.features)} features, {used} used"
        by = f" by {', '.join(models)}" if models else ""
        yield f"{group.name:<16} {counts + by:<32} from {group.source}: {group.description}"
    for group in sorted(declarations.dormant, key=lambda each: each.name):
        yield (
            f"{group.name:<16} {'asleep':<32} source {group.source} is not declared here: "
            f"{group.description}"
        )


def show_group(group: FeatureGroup, declarations: Declarations, users: Users) -> Iterator[str]:
    """Describe a group and each of its features in a line."""
    source = declarations.source(group.source)
    yield f"{group.name}: {group.description}"
    yield (
        f"source {source.name}: entity {source.entity}, occurred {source.occurred}, "
        f"known from {source.known} on; table features_{group.name}, definition {group.definition}"
    )
    for feature in group.features:
        yield f"  {feature.name:<32} {describe(feature)}{_used_by(feature, users)}"


def show_feature(feature: Feature, group: FeatureGroup, users: Users) -> Iterator[str]:
    """Describe a feature."""
    yield f"{feature.name}: {describe(feature)}"
    yield f"group {group.name}, table features_{group.name}, definition {group.definition}"
    yield f"kind {feature.kind}; {_of_nothing(feature)}{_used_by(feature, users)}"


def describe(feature: Feature) -> str:
    """Say what a feature is."""
    if isinstance(feature, Ratio):
        return f"{feature.numerator} / {feature.denominator}"
    if isinstance(feature, Attribute):
        return f"{feature.name} of the latest row known"
    if not isinstance(feature, Aggregate):
        raise TypeError(f"a feature is an aggregate, a ratio or an attribute, got {feature!r}")
    meaning = REGISTERED[feature.aggregate].meaning if feature.code else feature.aggregate
    if feature.aggregate == "time_since":
        return f"days since the {feature.of} event{_where(feature.where)}"
    about = feature.derived.name if feature.derived else feature.column
    if feature.transform:
        about = f"{feature.transform}({about})"
    said = f"{meaning} of {about}" if about else meaning
    window = {None: "ever", 1: "on the day"}.get(feature.window, f"in {feature.window} days")
    derived = f"; {_derived(feature.derived)}" if feature.derived else ""
    unit = f", in {feature.unit}" if feature.unit else ""
    return f"{said}{_where(feature.where)}, {window}{unit}{derived}"


def _derived(derived: Derived) -> str:
    if derived.made_by == "seconds_since":
        return f"{derived.name}: seconds since the event before{_where(derived.where)}"
    minus = f" minus that{_where(derived.minus)}" if derived.minus else ""
    return f"{derived.name}: running sum of {derived.column}{_where(derived.where)}{minus}"


def _where(condition: Condition) -> str:
    terms = [
        f"{column} is {' or '.join(map(str, values))}".replace("True", "true").replace(
            "False", "false"
        )
        for column, values in condition
    ]
    return f" where {' and '.join(terms)}" if terms else ""


def _of_nothing(feature: Feature) -> str:
    if isinstance(feature, Ratio):
        return f"unknown (null) where {feature.denominator} is 0 or either is unknown"
    zero = isinstance(feature, Aggregate) and feature.aggregate in ZERO_OF_NOTHING
    return "0 of no event" if zero else "unknown (null) of no event"


def _used_by(feature: Feature, users: Users) -> str:
    models = _models(feature, users)
    return f"; used by {', '.join(models)}" if models else ""


def _models(feature: Feature, users: Users) -> list[str]:
    return sorted(model for model, names in users.items() if feature.name in names)
