"""From two versions' scores to a verdict, and from the verdict to a proposed move."""

import logging
from typing import Any

import pandas as pd

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import DataError
from ucu_mlops.features.period import Period
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.release.gate import GateOptions, compare, not_older
from ucu_mlops.release.moves import Proposal

logger = logging.getLogger(__name__)


def judge(
    holdout_scores: pd.DataFrame,
    challenger: Bundle,
    incumbent: Bundle,
    options: GateOptions,
    period: Period,
) -> dict[str, Any]:
    """Let the gate compare challenger and champion on the held-out users.

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
    fresh = not_older(challenger.manifest.as_of, incumbent.manifest.as_of)
    report = compare(holdout_scores, incumbent.manifest.kind, options).also(fresh)
    return report.to_dict() | {
        "model": challenger.manifest.model,
        "as_of": period.as_of.isoformat(),
        "challenger": challenger.version,
        "champion": incumbent.version,
        "decision_id": derived_id(
            "gate", challenger.manifest.model, period.as_of, challenger.version, incumbent.version
        ),
    }


def propose(gate: dict[str, Any]) -> Proposal:
    """Word the gate's verdict as a move of the ledger, or as none."""
    failed = [each["name"] for each in gate["conditions"] if not each["holds"]]
    why = f"gate of {gate['as_of']}: " + (
        f"failed {', '.join(failed)}" if failed else "every condition holds"
    )
    logger.info(
        "%s: version %s against champion %s: %s (%s)",
        *(gate["model"], gate["challenger"], gate["champion"], gate["action"], why),
    )
    return Proposal(
        model=gate["model"],
        version=gate["challenger"],
        action=gate["action"],
        why=why,
        decision_id=gate["decision_id"],
    )
