"""Unpack parameters for the features room; nothing is computed before the warehouse is asked to."""

from collections.abc import Mapping
from typing import Any

import ibis

from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.period import Period
from ucu_mlops.features.population import ActiveOptions, active_entities


def find_active(
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    options: ActiveOptions,
    recent: Period,
) -> ibis.Table:
    """Say who is to be scored on each day: the lately active, as known by then.

    Args:
        source_tables: The platform's tables by name, as ``sources`` declares them.
        features: Declared sources and groups, ``conf/<env>/features/``.
        options: Which source shows activity, and how many days back.
        recent: The days asked for.

    Returns:
        One row per entity and day: ``entity_id`` string, ``as_of`` date.
    """
    declared = parse_declarations(features)
    return active_entities(options, declared, source_tables, recent.start, recent.end)


def compute_groups(
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    population: ibis.Table,
    recent: Period,
) -> dict[str, ibis.Table]:
    """Compute every declared group for the days asked for, as one expression each.

    Args:
        source_tables: The platform's tables by name.
        features: Declared sources and groups.
        population: One row per entity and day to compute: ``entity_id``, ``as_of``.
        recent: The days asked for.

    Returns:
        Group name to a lazy table, one row per entity and day.
    """
    declared = parse_declarations(features)
    spine = population.filter(population["as_of"].between(recent.start, recent.end))
    day = recent.as_of if recent.start == recent.end else None
    return {
        group.name: group_table(group, declared, source_tables, spine, day)
        for group in declared.groups
    }
