"""Complete a candidate with what only the scores of today's active entities can tell."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ibis

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle, Draft, revise
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features
from ucu_mlops.features.period import Period
from ucu_mlops.monitoring.reference import ReferenceOptions, build_reference
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.threshold import threshold_for_capacity


def complete(
    candidate: Bundle,
    population: ibis.Table,
    feature_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    decisions: ibis.Table,
    review: ReviewOptions,
    options: ReferenceOptions,
    period: Period,
) -> Draft:
    """Set the threshold whose expected cases fit the capacity, and the reference for drift.

    Args:
        candidate: A bundle that can predict.
        population: One row per active entity and day: ``entity_id``, ``as_of``.
        feature_tables: Stored feature groups by name.
        features: Declared sources and groups.
        decisions: One row per day decided so far: days of a ``data_fault`` are no reference.
        review: How many cases a day moderators can check.
        options: How many days the reference covers.
        period: Its last day is the run's ``as_of``.

    Returns:
        The same model with threshold, review policy and reference.

    Raises:
        NotEnoughDataError: No features are stored for those days.
    """
    window = period.last(options.days)
    faults = decisions.filter(decisions["action"] == "data_fault").select("as_of")
    spine = population.filter(
        population["as_of"].between(window.start, window.end),
        population["as_of"].notin(faults["as_of"]),
    )
    names = [spec.name for spec in candidate.manifest.features]
    frame = join_features(names, parse_declarations(features), feature_tables, spine).execute()
    if frame.empty:
        raise NotEnoughDataError(
            f"no features of {candidate.manifest.model} between {window.start} and {window.end}; "
            f"run kedro run --pipeline=features --params=start={window.start},end={window.end}"
        )
    probabilities = Predictor(candidate).predict(frame)[:, 0]
    # Reports, exploration and second looks have places of their own: the model is sure of the rest.
    places = review.capacity - sum(review.places())
    threshold, expected = threshold_for_capacity(
        frame[["entity_id", "as_of"]].assign(probability=probabilities),
        places,
        review.dismissed_days,
    )
    labels = tuple(replace(label, threshold=threshold) for label in candidate.manifest.labels)
    reference = build_reference(
        frame,
        probabilities,
        candidate.manifest.features,
        candidate.manifest.training["importances"],
    )
    policy = candidate.manifest.policy | {
        "capacity": review.capacity,
        "places": places,
        "expected_cases_per_day": expected,
    }
    return revise(candidate, labels=labels, policy=policy, reference=reference)
