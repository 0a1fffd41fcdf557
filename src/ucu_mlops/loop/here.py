"""The trigger at the desk: a training runs here and now, in this process."""

from dataclasses import dataclass
from datetime import date

from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.loop.project import Project


@dataclass(frozen=True)
class RunHere:
    """Fills the port :class:`ucu_mlops.release.trigger.Trigger`.

    Attributes:
        project: The project to run pipelines of.
    """

    project: Project

    def retrain(self, model: str, as_of: date) -> None:
        """Train, compare and perhaps release ``model`` as of a day, unless that is done."""
        day = as_of.isoformat()
        if not self._is_settled(model, day):
            self.project.run(f"{model}_retrain", as_of=day)

    def _is_settled(self, model: str, day: str) -> bool:
        """Tell whether the gate has judged this day's challenger and the ledger followed."""
        with self.project.catalog(as_of=day) as catalog:
            if not catalog.exists(f"{model}.gate"):
                return False
            gate = catalog.load(f"{model}.gate")
        ledger = open_ledger(self.project.configuration("globals")["ledger"])
        acted_on = {move.decision_id for move in ledger.moves(model)}
        return gate["action"] == "keep" or gate["decision_id"] in acted_on
