"""Play one day: collect verdicts, score, watch, and do what the decision says."""

import json
from dataclasses import dataclass
from datetime import date

from ucu_mlops.loop.project import Project


@dataclass(frozen=True)
class DayReport:
    """What happened on one day.

    Attributes:
        as_of: The day.
        scored: Entities scored.
        queued: Cases put before moderators.
        action: What monitoring decided: ``none``, ``retrain`` or ``data_fault``.
        reasons: Why, in sentences.
        champion: Version that is champion after the day.
        gate: The gate's verdict where the day ended in a comparison, else None.
    """

    as_of: date
    scored: int
    queued: int
    action: str
    reasons: list[str]
    champion: str
    gate: str | None


def play_day(project: Project, model: str, as_of: date, *, simulated: bool) -> DayReport:
    """Play ``as_of`` for ``model``; playing it again leaves the same.

    Args:
        project: The project to run pipelines of.
        model: Name of the model.
        as_of: The day, complete by now.
        simulated: Whether the simulated platform makes the day's events and verdicts.
    """
    day = as_of.isoformat()
    if simulated:
        project.run("simulation_day", as_of=day)
    project.run(f"{model}_daily", as_of=day)
    action, reasons = _decision(project, model, day)
    gate = None
    if action == "retrain":
        project.run(f"{model}_retrain", as_of=day)
        gate = _gate(project, model, day)
    with project.catalog(as_of=day) as catalog:
        scores, queue = catalog.load(f"{model}.scores"), catalog.load(f"{model}.queue")
        return DayReport(
            as_of=as_of,
            scored=scores.filter(scores["as_of"] == as_of)["entity_id"].nunique().execute(),
            queued=queue.filter(queue["as_of"] == as_of).count().execute(),
            action=action,
            reasons=reasons,
            champion=str(catalog.load(f"{model}.champion").version),
            gate=gate,
        )


def _decision(project: Project, model: str, day: str) -> tuple[str, list[str]]:
    with project.catalog(as_of=day) as catalog:
        decisions = catalog.load(f"{model}.decision")
        row = decisions.filter(decisions["as_of"] == date.fromisoformat(day)).execute().iloc[0]
        return str(row["action"]), json.loads(row["reasons"])


def _gate(project: Project, model: str, day: str) -> str:
    with project.catalog(as_of=day) as catalog:
        return str(catalog.load(f"{model}.gate")["action"])
