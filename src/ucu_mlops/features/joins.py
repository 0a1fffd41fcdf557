"""Put features beside entities and days, computed on the spot or from what was stored."""

from collections.abc import Iterator, Mapping, Sequence

import ibis

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.groups import FeatureGroup

KEYS = ("entity_id", "as_of")


def point_in_time(
    names: Sequence[str],
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    spine: ibis.Table,
) -> ibis.Table:
    """Compute features for arbitrary entities and days, as they were known at each day's end.

    Args:
        names: Features, from any groups.
        declarations: What is declared.
        source_tables: Tables by name.
        spine: One row per thing to be described. Needs ``entity_id`` and ``as_of``; labels and
            whatever else it has is kept.

    Returns:
        Lazily, the spine row for row, ``entity_id`` as string and ``as_of`` as date, with the
        features in the order of ``names`` (float64 or string).

    Raises:
        ConfigurationError: A feature is not declared or not available.
        SchemaError: A table or column is missing, of the wrong type, or in the spine already.
    """
    table = _with_keys(spine, names)
    kept = table.columns
    for group, wanted in _by_group(names, declarations):
        computed = group_table(group.only(wanted), declarations, source_tables, spine)
        table = _beside(table, computed.select(*KEYS, *wanted))
    return table.select(*kept, *dict.fromkeys(names))


def join_features(
    names: Sequence[str],
    declarations: Declarations,
    feature_tables: Mapping[str, ibis.Table],
    spine: ibis.Table,
) -> ibis.Table:
    """Take features from the stored tables, where they were computed as is declared now.

    A stored row of another definition does not join: to the caller it is missing, like one that
    was never computed. ``missing_groups`` counts them, for a computed row has nulls of its own.

    Args:
        names: Features, from any groups.
        declarations: What is declared.
        feature_tables: Group name to its stored table: one row per ``entity_id`` and ``as_of``,
            with the features and ``definition``.
        spine: One row per thing to be described, as for :func:`point_in_time`.

    Returns:
        Lazily, the spine row for row, with the features in the order of ``names`` and
        ``missing_groups`` (int64): how many of their groups have no current row for it.

    Raises:
        ConfigurationError: A feature is not declared or not available.
        SchemaError: A table or column is missing, or in the spine already.
    """
    table = _with_keys(spine, [*names, "missing_groups"])
    kept = table.columns
    missing: ibis.Value = ibis.literal(0, "int64")
    for group, wanted in _by_group(names, declarations):
        stored = _stored(group, wanted, feature_tables)
        table = _beside(table, stored)
        missing += table[f"{group.name}__found"].isnull().cast("int64")
    return table.mutate(missing_groups=missing).select(
        *kept, *dict.fromkeys(names), "missing_groups"
    )


def _with_keys(spine: ibis.Table, names: Sequence[str]) -> ibis.Table:
    if missing := sorted(set(KEYS) - set(spine.columns)):
        raise SchemaError(f"the spine of features needs {missing}; got {list(spine.columns)}")
    if taken := sorted(set(names) & set(spine.columns)):
        raise SchemaError(f"the spine of features has {taken} already; rename or drop them")
    return spine.mutate(
        entity_id=spine["entity_id"].cast("string"), as_of=spine["as_of"].cast("date")
    )


def _by_group(
    names: Sequence[str], declarations: Declarations
) -> Iterator[tuple[FeatureGroup, list[str]]]:
    groups = {name: declarations.group_of(name) for name in names}
    for group in dict.fromkeys(groups.values()):
        yield group, [name for name, each in groups.items() if each is group]


def _stored(
    group: FeatureGroup, wanted: Sequence[str], tables: Mapping[str, ibis.Table]
) -> ibis.Table:
    remedy = "run the features pipeline"
    if group.name not in tables:
        raise SchemaError(
            f"no stored features of group {group.name!r}; got {sorted(tables)}; {remedy}"
        )
    table = tables[group.name]
    needed = [*KEYS, *wanted, "definition"]
    if missing := sorted(set(needed) - set(table.columns)):
        raise SchemaError(
            f"table features_{group.name} lacks {missing}; it was stored under another "
            f"declaration; {remedy} for all its days"
        )
    current = table.filter(table["definition"] == group.definition)
    return current.select(*KEYS, *wanted, **{f"{group.name}__found": ibis.literal(value=True)})


def _beside(table: ibis.Table, features: ibis.Table) -> ibis.Table:
    return table.left_join(features, list(KEYS)).drop(*(f"{key}_right" for key in KEYS))
