"""How a declared feature is written into a bundle, and found to be the same later."""

from collections.abc import Sequence

from ucu_mlops.bundle.manifest import FeatureSpec, Manifest
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.groups import definition_of


def feature_specs(declared: Declarations, names: Sequence[str]) -> list[FeatureSpec]:
    """Describe the named features as a bundle carries them, each with its own definition.

    The definition is the feature's and not the group's: a group may gain features without
    making a stranger of the model that uses the old ones.

    Args:
        declared: All declared groups.
        names: Features, from any groups.

    Returns:
        One spec per name, in that order.

    Raises:
        ConfigurationError: No group declares a name.
    """
    specs = []
    for name in names:
        group = declared.group_of(name)
        definition = definition_of(declared.source(group.source), group.only([name]).features)
        specs.append(FeatureSpec(name, declared.feature(name).kind, group.name, definition))
    return specs


def check_declared(declared: Declarations, manifest: Manifest) -> None:
    """Refuse to feed a model with features that mean something else than when it was trained.

    Args:
        declared: What is declared now.
        manifest: The model's.

    Raises:
        ConfigurationError: A feature is declared otherwise, or not at all.
    """
    names = [spec.name for spec in manifest.features]
    pairs = zip(feature_specs(declared, names), manifest.features, strict=True)
    if changed := [now.name for now, then in pairs if now != then]:
        raise ConfigurationError(
            f"{manifest.model} of {manifest.as_of} was trained on another declaration of "
            f"{changed}; declare what is new under a new name, or retrain: "
            f"kedro run --pipeline={manifest.model}_retrain"
        )
