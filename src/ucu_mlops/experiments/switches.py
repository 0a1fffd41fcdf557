"""Variants turned off and on again while their experiment runs: by a guardrail, or by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ucu_mlops.errors import ConfigurationError


@dataclass(frozen=True)
class Switch:
    """One turn of a variant's switch; of an experiment's variant the last one counts.

    Attributes:
        experiment: The experiment.
        variant: Its variant.
        on: Whether it may answer from now on.
        who: The person or pipeline that turned it.
        why: In words.
        at: When; with a time zone.
    """

    experiment: str
    variant: str
    on: bool
    who: str
    why: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse what nobody could make sense of later."""
        if self.at.tzinfo is None:
            raise ConfigurationError(f"at must have a time zone, got {self.at.isoformat()}")
        for name in ("experiment", "variant", "who", "why"):
            if not getattr(self, name).strip():
                raise ConfigurationError(f"{name} must not be empty")


class Switches(Protocol):
    """Where switches are kept; one process or many may turn them."""

    def turned(self) -> list[Switch]:
        """Return all turns, oldest first.

        Raises:
            ReleaseError: They cannot be read.
        """
        ...

    def turn(self, switch: Switch) -> bool:
        """Turn a switch, unless it stands so already.

        Returns:
            Whether it was turned.

        Raises:
            ReleaseError: It cannot be written down.
        """
        ...


def off(turned: Sequence[Switch]) -> frozenset[tuple[str, str]]:
    """Tell which variants are off now, each as experiment and variant."""
    last = {(each.experiment, each.variant): each.on for each in turned}
    return frozenset(key for key, on in last.items() if not on)
