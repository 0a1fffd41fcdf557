"""From two versions' scores to a verdict, and from the verdict to a proposed move."""

from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import DataError
from ucu_mlops.features.period import Period
from ucu_mlops.quality.evaluation import EvaluationOptions
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.release.conditions import (
    needs_no_proof,
    no_data_fault,
    not_older,
    quick_enough,
)
from ucu_mlops.release.gate import compare
from ucu_mlops.release.latency import scoring_seconds
from ucu_mlops.release.online import WON, not_lost_online, said_online
from ucu_mlops.release.options import GateOptions


def time_scoring(challenger: Bundle, incumbent: Bundle) -> dict[str, float]:
    """Time both versions on the same batch.

    Returns:
        Processor seconds of ``champion`` and ``challenger``.
    """
    return scoring_seconds({"champion": incumbent, "challenger": challenger})


def judge(
    holdout_scores: pd.DataFrame,
    latency: dict[str, float],
    decisions: ibis.Table,
    experiment_verdicts: ibis.Table,
    challenger: Bundle,
    incumbent: Bundle,
    options: GateOptions,
    evaluation: EvaluationOptions,
    period: Period,
) -> dict[str, Any]:
    """Let the gate compare challenger and champion on the held-out users.

    Args:
        holdout_scores: One row per held-out entity and day, with both versions' probabilities.
        latency: Processor seconds of either for the same batch.
        decisions: One row per day that monitoring decided about.
        experiment_verdicts: One row per day and variant of an experiment.
        challenger: The version that asks to be released.
        incumbent: The champion.
        options: What the challenger must show.
        evaluation: Names the segments.
        period: Its last day is the day of the comparison.

    Returns:
        The gate's report: ``action`` (``promote`` or ``keep``), ``conditions`` with what was
        measured and needed, ``metrics``, the versions compared and a ``decision_id``.

    Raises:
        DataError: The scores are those of other versions.
    """
    named = holdout_scores[["champion_version", "challenger_version"]].drop_duplicates()
    if not set(named.itertuples(index=False, name=None)) <= {
        (incumbent.version, challenger.version)
    }:
        model = challenger.manifest.model
        raise DataError(
            f"hold-out scores of {model} are not of champion {incumbent.version} and challenger "
            f"{challenger.version}; run kedro run --pipeline={model}_evaluation --params="
            f"as_of={period.as_of} first"
        )
    action = _decided(decisions, period)
    champion, online = (
        incumbent.manifest,
        said_online(experiment_verdicts, str(challenger.version), period.as_of),
    )
    no_proof = needs_no_proof(
        champion.kind, champion.as_of, period.as_of, action, options.max_age_days
    )
    report = compare(
        holdout_scores,
        options,
        # What was won on live traffic need not be shown again on held-out rows.
        lenient=no_proof or WON in online,
        segments=evaluation.segments,
    ).also(
        quick_enough(latency, options.latency_ratio, options.negligible_s),
        not_older(challenger.manifest.as_of, champion.as_of),
        no_data_fault(action),
        not_lost_online(online),
    )
    return report.to_dict() | {
        "model": challenger.manifest.model,
        "as_of": period.as_of.isoformat(),
        "challenger": challenger.version,
        "champion": incumbent.version,
        "decision_id": derived_id(
            "gate", challenger.manifest.model, period.as_of, challenger.version, incumbent.version
        ),
    }


def _decided(decisions: ibis.Table, period: Period) -> str | None:
    """Look up what monitoring decided about the day, if it did."""
    own = decisions.filter(decisions["as_of"] == period.as_of).select("action").execute()
    return None if own.empty else str(own["action"].iloc[0])
