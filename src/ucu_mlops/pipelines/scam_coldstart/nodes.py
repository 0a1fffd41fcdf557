"""Describe the rule that stands in until a model has beaten it."""

from typing import Any

from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.bundle.store import Draft
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.period import Period
from ucu_mlops.scam.rule import RuleOptions, rule_draft


def write_rule(features: dict[str, Any], options: RuleOptions, period: Period) -> Draft:
    """Write the rule as a bundle, so that whoever scores knows no difference.

    Args:
        features: Declared sources and groups.
        options: Weight of each feature, and the bias.
        period: Its last day is the run's ``as_of``.

    Returns:
        The rule, without review policy or reference yet.
    """
    specs = feature_specs(parse_declarations(features), list(options.weights))
    return rule_draft(options, specs, as_of=period.as_of)
