"""Play one day: collect verdicts, score, watch, and do what the decision says."""

import json
from dataclasses import dataclass
from datetime import date

from ucu_mlops.errors import DataError
from ucu_mlops.hooks import check_day
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.stories import story_of
from ucu_mlops.release.trigger import Trigger


@dataclass(frozen=True)
class DayReport:
    """What happened on one day.

    Attributes:
        as_of: The day.
        scored: Entities scored.
        queued: Cases put before moderators.
        version: Version that scored the day.
        action: What monitoring decided: ``none``, ``retrain`` or ``data_fault``.
        reasons: Why, in sentences.
        gate: The gate's verdict where the day ended in a comparison, else None.
    """

    as_of: date
    scored: int
    queued: int
    version: str
    action: str
    reasons: list[str]
    gate: str | None

    def __str__(self) -> str:
        """Say it in a line."""
        gate = f", gate: {self.gate}" if self.gate else ""
        return (
            f"{self.as_of}: {self.scored} scored by version {self.version}, {self.queued} queued, "
            f"decision: {self.action}{gate}"
        )


def play_day(
    project: Project, model: str, as_of: date, trigger: Trigger, *, simulated: bool
) -> DayReport:
    """Play ``as_of`` for ``model``; playing it again leaves the same.

    The version that scored a day scores it again, and a decision is acted on once: a day that was
    killed after its retraining goes on with what is missing.

    Args:
        project: The project to run pipelines of.
        model: Name of the model.
        as_of: The day, complete by now.
        trigger: What starts a training that was decided on.
        simulated: Whether the simulated platform makes the day's events and verdicts.

    Raises:
        ConfigurationError: The day is later than the one after all that is known.
    """
    day = as_of.isoformat()
    with project.catalog(as_of=day) as catalog:  # before the simulated platform makes it
        check_day(catalog, model, as_of)
    if simulated:
        project.run(story_of(model).day, as_of=day)
    project.run(f"{model}_daily", as_of=day)
    report = describe_day(project, model, as_of)
    if report is not None and report.action == "retrain":
        trigger.retrain(model, as_of)
        report = describe_day(project, model, as_of)
    if report is None:
        raise DataError(f"table decisions has no row of {model} for {day}; run {model}_daily again")
    return report


def describe_day(project: Project, model: str, as_of: date) -> DayReport | None:
    """Read what a day left; None if it was not played to its decision."""
    with project.catalog(as_of=as_of.isoformat()) as catalog:
        decisions = catalog.load(f"{model}.decisions")
        rows = decisions.filter(decisions["as_of"] == as_of).execute()
        if rows.empty:
            return None
        scores, queue = catalog.load(f"{model}.scores"), catalog.load(f"{model}.queue")
        gated = rows["action"].iloc[0] == "retrain" and catalog.exists(f"{model}.gate")
        return DayReport(
            as_of=as_of,
            scored=scores.filter(scores["as_of"] == as_of)["entity_id"].nunique().execute(),
            queued=queue.filter(queue["as_of"] == as_of).count().execute(),
            version=str(catalog.load(f"{model}.champion").version),
            action=str(rows["action"].iloc[0]),
            reasons=json.loads(rows["reasons"].iloc[0]),
            gate=str(catalog.load(f"{model}.gate")["action"]) if gated else None,
        )
