"""Unpack parameters for the features room; nothing is computed before the warehouse is asked to."""

from collections.abc import Mapping
from typing import Any

import ibis

from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features
from ucu_mlops.features.online import OnlineFeature, Published, Snapshot
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


def take_snapshot(
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    period: Period,
) -> Snapshot:
    """Put all features of a day's active entities side by side, for servers to look up.

    All that is declared, and not what the champion takes: after a rollback another version is.

    Args:
        population: Who was active: ``entity_id``, ``as_of``.
        feature_tables: The stored groups by name.
        features: Declared sources and groups.
        period: Its last day is the snapshot's.

    Raises:
        NotEnoughDataError: Somebody active has no stored features as declared now: what is
            published stays.
    """
    declared = parse_declarations(features)
    names = [each.name for group in declared.groups for each in group.features]
    spine = population.filter(population["as_of"] == period.as_of)
    joined = join_features(names, declared, feature_tables, spine)
    counts = joined.aggregate(rows=joined.count(), lacking=(joined["missing_groups"] > 0).sum())
    found = counts.to_pyarrow().to_pylist()[0]
    if not found["rows"] or found["lacking"]:
        raise NotEnoughDataError(
            f"of {found['rows']} active entities of {period.as_of} {found['lacking'] or 0} lack "
            "stored features of the current declaration; run "
            f"kedro run --pipeline=features --params=as_of={period.as_of}"
        )
    specs = feature_specs(declared, names)
    published = tuple(OnlineFeature(each.name, each.kind, each.definition) for each in specs)
    return Snapshot(Published(period.as_of, published), joined.select("entity_id", *names))
