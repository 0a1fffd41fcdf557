"""What share of an endpoint's requests each version gets: the ledger's projection, in steps.

Nothing here is remembered: each step follows from what is deployed now and what the ledger says,
so whoever was killed in the middle starts again and goes on.

deploy ─▶ shift to the first step ─▶ probe ─▶ shift … ─▶ probe at 100 % ─▶ undeploy what is old
                                       └─▶ failed: back to who had the requests before
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ucu_mlops.release.ledger import Move, champions

WHOLE = 100


@dataclass(frozen=True)
class Deployment:
    """A version that runs behind an endpoint.

    Attributes:
        id: The deployment's ID.
        version: The version in the ledger's words.
        share: Percent of the requests that it gets.
    """

    id: str
    version: str
    share: int = 0


@dataclass(frozen=True)
class Wanted:
    """What an endpoint is to come to.

    Attributes:
        id: ID of the champion's deployment.
        version: The champion.
        previous: Version that stays deployed without requests, so that going back is quick; None
            if the ledger knows of none.
        steps: Percentages by which the champion takes over, rising to 100.
    """

    id: str
    version: str
    previous: str | None
    steps: Sequence[int]


@dataclass(frozen=True)
class Deploy:
    """Deploy the champion; it gets no requests yet."""


@dataclass(frozen=True)
class Shift:
    """Change who gets how many percent of the requests, by deployment."""

    split: Mapping[str, int]


@dataclass(frozen=True)
class Probe:
    """Ask until the champion, which gets this share, has answered."""

    share: int


@dataclass(frozen=True)
class Undeploy:
    """Take a deployment off, which gets no requests."""

    id: str


Step = Deploy | Shift | Probe | Undeploy


def wanted_of(moves: Sequence[Move], deployment: str, steps: Sequence[int]) -> Wanted:
    """Read off the ledger what an endpoint is to come to.

    A champion that came by a rollback has answered before and takes over at once.

    Args:
        moves: All moves of the model, oldest first; at least one.
        deployment: ID of the champion's deployment.
        steps: Percentages by which a new champion takes over.
    """
    *before, champion = champions(moves)
    at_once = moves[-1].kind == "rollback"
    return Wanted(
        deployment, champion, before[-1] if before else None, (WHOLE,) if at_once else tuple(steps)
    )


def next_step(there: Sequence[Deployment], wanted: Wanted, probed: int) -> Step | None:
    """Say what is to be done next; None when the endpoint is as wanted.

    Args:
        there: What is deployed, oldest first.
        wanted: What it is to come to.
        probed: The share at which the champion has answered, as far as the caller knows.
    """
    own = next((each for each in there if each.id == wanted.id), None)
    if own is None:
        return Deploy()
    if own.share > probed:
        return Probe(own.share)
    if own.share < WHOLE:
        behind = _behind(there, wanted)
        share = next(each for each in (*wanted.steps, WHOLE) if each > own.share)
        return Shift(_split(wanted.id, WHOLE if behind is None else share, behind))
    kept = _kept(there, wanted)
    for each in there:
        if each.id not in kept:
            return Undeploy(each.id)
    return None


def back(there: Sequence[Deployment], wanted: Wanted) -> Shift | None:
    """Say how the requests go back to who had them; None if there is nobody else."""
    behind = _behind(there, wanted)
    return None if behind is None else Shift({behind.id: WHOLE})


def plan(there: Sequence[Deployment], wanted: Wanted) -> Iterator[Step]:
    """Say all that is to be done, as long as nothing fails."""
    probed = 0
    while (step := next_step(there, wanted, probed)) is not None:
        yield step
        there = after(there, wanted, step)
        probed = step.share if isinstance(step, Probe) else probed


def after(there: Sequence[Deployment], wanted: Wanted, step: Step) -> list[Deployment]:
    """Say what is deployed once a step is done."""
    match step:
        case Deploy():
            return [*there, Deployment(wanted.id, wanted.version)]
        case Shift(split):
            return [replace(each, share=split.get(each.id, 0)) for each in there]
        case Undeploy(gone):
            return [each for each in there if each.id != gone]
        case Probe():
            return list(there)


def _split(champion: str, share: int, behind: Deployment | None) -> dict[str, int]:
    rest = {behind.id: WHOLE - share} if behind is not None and share < WHOLE else {}
    return {champion: share, **rest}


def _behind(there: Sequence[Deployment], wanted: Wanted) -> Deployment | None:
    """Return who answers where the champion does not: who does now, else the previous version."""
    others = [each for each in there if each.id != wanted.id]
    busiest = max(others, key=lambda each: each.share, default=None)
    if busiest is not None and busiest.share:
        return busiest
    earlier = [each for each in others if each.version == wanted.previous]
    return earlier[-1] if earlier else None


def _kept(there: Sequence[Deployment], wanted: Wanted) -> set[str]:
    earlier = [each.id for each in there if each.version == wanted.previous]
    return {wanted.id, *earlier[-1:]}
