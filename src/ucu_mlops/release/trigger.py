"""The port through which a decision to train again becomes a training: here, or elsewhere."""

from datetime import date
from typing import Protocol


class Trigger(Protocol):
    """Starts trainings; an adapter may run them here or submit them to a cloud."""

    def retrain(self, model: str, as_of: date) -> None:
        """Train, compare and perhaps release ``model`` as of a day.

        Idempotent: a day whose challenger the gate has judged is not trained for again, and one
        that was interrupted goes on with what is missing.

        Args:
            model: Name of the model.
            as_of: The day whose decision asked for it.
        """
        ...
