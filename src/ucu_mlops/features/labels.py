"""Labels that a data set brings along, under the names that everything else uses."""

import ibis

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.features.declarations import Declarations


def declared_labels(declarations: Declarations, table: ibis.Table) -> ibis.Table:
    """Rename a foreign table of labels as the declarations say.

    Args:
        declarations: Their ``labels`` names the columns.
        table: One row per labelled entity.

    Returns:
        Lazily, one row per row that has an entity, a day and a label: ``entity_id`` string,
        ``as_of`` date, ``label`` int64 (0 or 1), ``cohort`` string (``all`` if not declared).

    Raises:
        ConfigurationError: No labels are declared.
        SchemaError: A column is missing or of the wrong type.
    """
    declared = declarations.labels
    if declared is None:
        raise ConfigurationError(
            "no labels are declared; add labels: {entity, as_of, label} to "
            "conf/<env>/features/sources.yml"
        )
    needed = [declared.entity, declared.as_of, declared.label]
    needed += [declared.cohort] if declared.cohort else []
    if missing := sorted(set(needed) - set(table.columns)):
        raise SchemaError(
            f"the table of labels lacks {missing}; it has {sorted(table.columns)}; correct it or "
            "labels in conf/<env>/features/sources.yml"
        )
    day, label = table[declared.as_of], table[declared.label]
    if not (day.type().is_timestamp() or day.type().is_date()):
        raise SchemaError(f"labels: {declared.as_of!r} must be a date or time, got {day.type()}")
    if not (label.type().is_integer() or label.type().is_boolean()):
        raise SchemaError(
            f"labels: {declared.label!r} must be whole numbers or booleans, got {label.type()}"
        )
    cohort = table[declared.cohort].cast("string") if declared.cohort else ibis.literal("all")
    labels = table.select(
        entity_id=table[declared.entity].cast("string"),
        as_of=day.cast("date"),
        label=label.cast("int64"),
        cohort=cohort,
    )
    return labels.filter(*(labels[name].notnull() for name in ("entity_id", "as_of", "label")))
