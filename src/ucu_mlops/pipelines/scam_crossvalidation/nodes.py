"""Unpack labels and declarations for cross-validation, whatever data set they come from."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import ibis

from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import point_in_time
from ucu_mlops.features.labels import declared_labels
from ucu_mlops.scam.crossvalidation import CrossValidationOptions, cross_validate
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
        ``cross_validation``: per cohort, mean and spread of each figure.
    """
    declared = parse_declarations(features)
    names = [feature.name for group in declared.groups for feature in group.features]
    spine = ibis.memtable(declared_labels(declared, labels).to_pyarrow())
    rows = point_in_time(names, declared, source_tables, spine).execute()
    rows = rows.sort_values(["entity_id", "as_of"], ignore_index=True)
    report = cross_validate(rows, feature_specs(declared, names), training, options)
    logger.info("%s", json.dumps(report, indent=2))
    return report
