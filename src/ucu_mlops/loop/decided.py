"""What was decided about a model last, and the trainings that alerts ask for, as decisions too."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pandas as pd

from ucu_mlops.errors import DataError
from ucu_mlops.loop.project import Project
from ucu_mlops.monitoring.decision import asked_for


@dataclass(frozen=True)
class Decided:
    """A model's last decision.

    Attributes:
        as_of: Its day.
        action: ``none``, ``retrain`` or ``data_fault``.
        hold: Why another training waits (cool-down, breaker, too few verdicts); empty if none does.
    """

    as_of: date
    action: str
    hold: str = ""


class Decisions(Protocol):
    """Where decisions are kept."""

    def last(self, model: str) -> Decided:
        """Tell a model's last decision.

        Raises:
            DataError: There is none.
        """
        ...

    def ask(self, model: str, as_of: date, sentence: str) -> None:
        """Make the decision of a day one to train, if it is not; asking again changes nothing."""
        ...


@dataclass(frozen=True)
class ProjectDecisions:
    """The decisions of a project: cool-down and breaker read what is written here.

    Attributes:
        project: The project.
    """

    project: Project

    def last(self, model: str) -> Decided:
        """Read the newest row."""
        with self.project.catalog() as catalog:
            decisions = catalog.load(f"{model}.decisions")
            rows = decisions.order_by(decisions["as_of"].desc()).limit(1).execute()
        if rows.empty:
            raise DataError(
                f"nothing was decided about {model} yet; run kedro loop day {model} first"
            )
        hold = json.loads(rows["evidence"].iloc[0]).get("hold", "")
        return Decided(rows["as_of"].iloc[0].date(), str(rows["action"].iloc[0]), hold)

    def ask(self, model: str, as_of: date, sentence: str) -> None:
        """Write the row of the day anew."""
        with self.project.catalog(as_of=as_of.isoformat()) as catalog:
            decisions = catalog.load(f"{model}.decisions")
            row = decisions.filter(decisions["as_of"] == as_of).execute().iloc[0].to_dict()
            if row["action"] == "none":
                catalog.save(f"{model}.decision", pd.DataFrame([asked_for(row, sentence)]))
