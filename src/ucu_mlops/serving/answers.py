"""What a loaded version gives back for an instance, and the port that both kinds of model fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.serving.schemas import Instance


@dataclass(frozen=True)
class Answer:
    """What was found about one instance.

    Attributes:
        entity_id: The user, or the picture (SHA-256 of its bytes).
        probabilities: One per label, in the bundle's order.
        decisions: Whether each counts as shown.
        reference: Where the inputs were: ``given``, ``online``, ``bytes`` or a URI.
        inputs: The features, to be recorded; None where the reference is enough.
        reasons: In words, where they were asked for.
        features_as_of: What looked up features are as of (UTC).
    """

    entity_id: str | None
    probabilities: Sequence[float]
    decisions: Sequence[bool]
    reference: str
    inputs: dict[str, Any] | None = None
    reasons: list[str] | None = None
    features_as_of: datetime | None = None


@dataclass(frozen=True)
class Place:
    """Which place in an experiment an answer has.

    Attributes:
        experiment: The experiment.
        variant: The variant that the entity was dealt.
        shadow: Whether it is recorded only.
    """

    experiment: str
    variant: str
    shadow: bool = False


class Model(Protocol):
    """A loaded version, ready to answer."""

    version: str
    manifest: Manifest
    is_slow: bool  # answers beside the event loop, so that a client may leave meanwhile

    @property
    def depth(self) -> int:
        """How many instances wait or are worked on."""
        ...

    async def answer(self, instance: Instance, *, reasons: bool) -> Answer:
        """Answer one instance.

        Raises:
            Problem: What the caller did wrong, or that there is no room.
        """
        ...

    async def probe(self) -> None:
        """Answer something made up, the way a caller's is.

        Raises:
            BundleError: The version cannot answer, or its answer is no probability.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and files; nobody asks any more."""
        ...


@dataclass(frozen=True)
class Answered:
    """An instance's answer, and whose it is.

    Attributes:
        request_id: Of this answer.
        model: The version that answered.
        answer: What it found.
        place: In an experiment, where the entity takes part in one.
        error: Why the variant's own version could not answer, so that the champion did.
    """

    request_id: str
    model: Model
    answer: Answer
    place: Place | None = None
    error: str | None = None


def check_probabilities(manifest: Manifest, probabilities: Sequence[float]) -> str | None:
    """Say what is wrong with a probe's answer, if anything."""
    if len(probabilities) != len(manifest.labels):
        return f"{len(probabilities)} probabilities for {len(manifest.labels)} labels"
    if wrong := [each for each in probabilities if not 0 <= each <= 1]:
        return f"{wrong[0]} is no probability"
    return None
