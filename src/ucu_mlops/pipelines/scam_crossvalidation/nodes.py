"""Unpack labels and declarations for cross-validation, whatever data set they come from."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.features.declarations import Declarations, parse_declarations
from ucu_mlops.features.events import shaped
from ucu_mlops.features.joins import point_in_time
from ucu_mlops.features.labels import declared_labels
from ucu_mlops.features.sources import source_table
from ucu_mlops.scam.comparison import GAINS, add_first_event_day, compare
from ucu_mlops.scam.crossvalidation import EVERYBODY, CrossValidationOptions, cross_validate
from ucu_mlops.scam.estimator import TrainingOptions

logger = logging.getLogger(__name__)


def cross_validate_labels(
    labels: ibis.Table,
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    training: TrainingOptions,
    options: CrossValidationOptions,
) -> dict[str, Any]:
    """Cross-validate the scam estimator on declared features and declared labels.

    Args:
        labels: One row per labelled entity, with the columns that ``labels`` in the feature
            declarations names.
        source_tables: Event tables by name.
        features: Declared sources, labels and groups; every available feature is used.
        training: How the estimator is trained.
        options: Folds, seed, cohorts.

    Returns:
        ``cross_validation``: per cohort, mean and spread of each figure; where ``first_days`` is
        set, ``first_days``: the same for all, learned and tested as of that day of each entity.
    """
    declared = parse_declarations(features)
    spine = declared_labels(declared, labels)
    rows, specs = describe(spine, source_tables, declared)
    report = cross_validate(rows, specs, training, options)
    if options.first_days:
        events = _first_events(source_tables, declared, options.first_days_source)
        young = _early(spine, events, options.first_days)
        rows, specs = describe(young, source_tables, declared)
        everybody = CrossValidationOptions(
            folds=options.folds, seed=options.seed, cases_share=options.cases_share
        )
        early = cross_validate(rows, specs, training, everybody)["cross_validation"][EVERYBODY]
        report["first_days"] = {"days": options.first_days, "cross_validation": early}
    logger.info("%s", json.dumps(report, indent=2))
    return report


def compare_variants(
    labels: ibis.Table,
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    training: TrainingOptions,
    options: CrossValidationOptions,
) -> dict[str, Any]:
    """Cross-validate each declared variant of training on the same folds.

    Where ``first_days_source`` is set, the report shows as well what a feature that tells the
    calendar would do: the day of the first event is one column more, in this report only.

    Returns:
        As :func:`ucu_mlops.scam.comparison.compare` describes it.
    """
    declared = parse_declarations(features)
    rows, specs = describe(declared_labels(declared, labels), source_tables, declared)
    if options.first_days_source:
        first = _first_events(source_tables, declared, options.first_days_source).execute()
        rows = add_first_event_day(rows, first)
    return compare(rows, specs, training, options)


def list_comparison(comparison: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Name each variant's mean figures as MLflow keeps them.

    Returns:
        ``<variant>.<figure>`` to ``{"value": …, "step": 0}``.
    """
    return {
        f"{name}.{figure}": {"value": values["mean"], "step": 0}
        for name, variant in comparison["variants"].items()
        for figure, values in variant["figures"].items()
    }


def plot_comparison(comparison: dict[str, Any]) -> go.Figure:
    """Draw what each variant gains over the default, with its interval: left of 0 it loses."""
    variants = {
        name: each["gain"] for name, each in comparison["variants"].items() if "gain" in each
    }
    figure = make_subplots(
        cols=len(GAINS),
        shared_yaxes=True,
        subplot_titles=[f"gain in {GAINS[each]}" for each in GAINS],
    )
    for column, name in enumerate(GAINS, start=1):
        gains = [each[name] for each in variants.values()]
        middle = [each["mid"] for each in gains]
        figure.add_scatter(
            x=middle,
            y=list(variants),
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [each["high"] - each["mid"] for each in gains],
                "arrayminus": [each["mid"] - each["low"] for each in gains],
            },
            mode="markers",
            row=1,
            col=column,
        )
    figure.add_vline(x=0.0, line_dash="dot")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(
        title=(
            f"Variants of training against the default, same folds "
            f"({comparison['level']:.0%} intervals, {comparison['cases']:,} cases)"
        ),
        showlegend=False,
        template="plotly_white",
    )
    return figure


def describe(
    spine: ibis.Table, source_tables: Mapping[str, ibis.Table], declared: Declarations
) -> tuple[pd.DataFrame, Sequence[FeatureSpec]]:
    """Put every available feature beside labelled entities, as known at the end of their day.

    Args:
        spine: One row per labelled entity: ``entity_id``, ``as_of``, and what else shall be kept.
        source_tables: Event tables by name.
        declared: Declared sources and groups.

    Returns:
        The spine with the features, ordered by entity and day; and the features.
    """
    names = [feature.name for group in declared.groups for feature in group.features]
    stored = ibis.memtable(spine.to_pyarrow())
    rows = point_in_time(names, declared, source_tables, stored).execute()
    return rows.sort_values(["entity_id", "as_of"], ignore_index=True), feature_specs(
        declared, names
    )


def _first_events(
    source_tables: Mapping[str, ibis.Table], declared: Declarations, name: str
) -> ibis.Table:
    source = declared.source(name)
    events = shaped(source_table(source, source_tables, (), "crossvalidation"), source)
    return events.group_by("entity_id").aggregate(first=events["occurred_at"].min().date())


def _early(spine: ibis.Table, first_events: ibis.Table, days: int) -> ibis.Table:
    """Move each entity's day to the last of its first ``days``, if that is earlier."""
    table = spine.mutate(entity_id=spine["entity_id"].cast("string"))
    table = table.join(first_events, "entity_id")
    last = table["first"] + ibis.interval(days=days - 1)
    as_of = ibis.least(table["as_of"].cast("date"), last.cast("date"))
    return table.mutate(as_of=as_of).drop("first")
