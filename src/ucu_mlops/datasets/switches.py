"""Experiments' switches, as the catalog names them: saving turns them."""

import logging
from collections.abc import Sequence
from typing import Any

from kedro.io import AbstractDataset

from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.errors import ReleaseError
from ucu_mlops.experiments.switches import Switch

logger = logging.getLogger(__name__)


class SwitchesDataset(AbstractDataset[Sequence[Switch], list[Switch]]):
    """Saving turns switches that do not stand so already; loading gives all turns, oldest first.

    Example:
        ```yaml
        "{model}.switches":
          type: ucu_mlops.datasets.switches.SwitchesDataset
          ledger: ${globals:ledger}
        ```

    Args:
        ledger: The ledger's SQLite file. With another ledger there are no servers that would
            follow, and nothing to turn.
        metadata: Kedro ignores it; plugins read it.
    """

    def __init__(self, *, ledger: str, metadata: dict[str, Any] | None = None) -> None:
        self._ledger = ledger
        self.metadata = metadata

    def load(self) -> list[Switch]:
        """Read all turns."""
        return SqliteSwitches(self._file()).turned()

    def save(self, data: Sequence[Switch]) -> None:
        """Turn switches.

        Raises:
            ReleaseError: The ledger is no file, or cannot be written.
        """
        for switch in data:
            if SqliteSwitches(self._file()).turn(switch):
                logger.warning(
                    "%s of experiment %s is turned %s: %s",
                    *(switch.variant, switch.experiment, "on" if switch.on else "off", switch.why),
                )

    def _file(self) -> str:
        if "://" in self._ledger:
            raise ReleaseError(
                f"switches lie beside a ledger that is a file, {self._ledger} is none; "
                "run experiments on own hosts (docs/experiments.md)"
            )
        return self._ledger

    def _describe(self) -> dict[str, Any]:
        return {"ledger": self._ledger}
