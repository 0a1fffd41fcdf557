"""How a declared feature is written into a bundle."""

from collections.abc import Sequence

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.features.declarations import Declarations


def feature_specs(declared: Declarations, names: Sequence[str]) -> list[FeatureSpec]:
    """Describe the named features as a bundle carries them: with their group's definition.

    Args:
        declared: All declared groups.
        names: Features, from any groups.

    Returns:
        One spec per name, in that order.

    Raises:
        ConfigurationError: No group declares a name.
    """
    groups = [declared.group_of(name) for name in names]
    return [
        FeatureSpec(name, declared.feature(name).kind, group.name, group.definition)
        for name, group in zip(names, groups, strict=True)
    ]
