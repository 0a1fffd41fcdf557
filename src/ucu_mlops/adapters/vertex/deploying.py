"""Brings a model's endpoint to what the ledger says, step by step; killed anywhere, it goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ucu_mlops.adapters.vertex.endpoints import ModelEndpoint, Seen
from ucu_mlops.adapters.vertex.jobs import asking
from ucu_mlops.adapters.vertex.probes import Asker
from ucu_mlops.adapters.vertex.serving_models import ServingModels
from ucu_mlops.errors import CloudError, ReleaseError
from ucu_mlops.release.ledger import Ledger
from ucu_mlops.release.traffic import (
    Deploy,
    Deployment,
    Probe,
    Shift,
    Step,
    Undeploy,
    Wanted,
    back,
    next_step,
    plan,
    wanted_of,
)

TURNS = 100


@dataclass(frozen=True)
class Deployer:
    """Deploys the champion of one model.

    Attributes:
        model: The model's name.
        ledger: Says who is champion.
        endpoint: The model's endpoint.
        serving: The model's versions as Vertex AI serves them.
        asker: Probes the champion.
        say: Told of the plan and of each step.
    """

    model: str
    ledger: Ledger
    endpoint: ModelEndpoint
    serving: ServingModels
    asker: Asker
    say: Callable[[str], None]

    def deploy(self, version: str, steps: Sequence[int]) -> None:
        """Let the champion answer, and keep the version before it deployed without requests.

        Args:
            version: Name of the champion's version, as Vertex AI serves it.
            steps: Percentages of the requests by which a new champion takes over.

        Raises:
            CloudError: Vertex AI refused, or stayed away; the command goes on where it stopped.
            ReleaseError: The champion fails its probe, and whoever answered before answers again;
                or the ledger or the endpoint was changed by others meanwhile.
        """
        moves = self.ledger.moves(self.model)
        wanted = wanted_of(moves, self.endpoint.deployment_id(version), steps)
        with asking(f"deploy {self.model}"):
            self.endpoint.make()
            self.endpoint.settle()
            for step in plan(self._there(self.endpoint.look()), wanted):
                self.say(f"  to do: {_told(step, wanted)}")
            self._go_on(version, wanted, moves[-1].revision)

    def _go_on(self, version: str, wanted: Wanted, revision: int) -> None:
        probed = 0
        for _ in range(TURNS):
            self.endpoint.settle()
            self._check_ledger(revision)
            seen = self.endpoint.look()
            there = self._there(seen)
            step = next_step(there, wanted, probed)
            if step is None:
                return
            self.say(_told(step, wanted))
            match step:
                case Deploy():
                    self.endpoint.deploy(version)
                case Shift(split):
                    self.endpoint.shift(seen, split)
                case Undeploy(deployment):
                    self.endpoint.undeploy(deployment)
                case Probe(share):
                    self._probe(seen, there, wanted)
                    probed = share
        raise CloudError(f"endpoint {self.endpoint.id} is not as wanted after {TURNS} steps")

    def _probe(self, seen: Seen, there: Sequence[Deployment], wanted: Wanted) -> None:
        try:
            self.asker.probe(seen.host, wanted.id)
        except ReleaseError as error:
            returned = back(there, wanted)
            if returned is None:
                raise ReleaseError(
                    f"{self.model}: version {wanted.version} fails its probe ({error}), and there"
                    " is no other version to go back to"
                ) from error
            self.endpoint.shift(seen, returned.split)
            raise ReleaseError(
                f"{self.model}: version {wanted.version} fails its probe ({error}); all requests"
                f" go to {_named(returned.split, there)} again; take it off with"
                f" kedro release rollback {self.model} --why …"
            ) from error

    def _check_ledger(self, revision: int) -> None:
        head = self.ledger.head(self.model)
        if head is not None and head.revision != revision:
            raise ReleaseError(
                f"{self.model}: the ledger moved to revision {head.revision}, version"
                f" {head.to_version}, meanwhile; give the command again"
            )

    def _there(self, seen: Seen) -> list[Deployment]:
        """Say which versions are deployed, in the ledger's words.

        Raises:
            ReleaseError: Something else is deployed there.
        """
        versions = self.serving.versions()
        there = []
        for deployment, name in seen.deployed:
            model, _, number = name.rpartition("/")[2].partition("@")
            if model != self.serving.id or number not in versions:
                raise ReleaseError(
                    f"endpoint {self.endpoint.id} has deployment {deployment} of {name}, which is"
                    f" none of {self.model}; undeploy it by hand, then give the command again"
                )
            there.append(Deployment(deployment, versions[number], seen.split.get(deployment, 0)))
        return there


def _told(step: Step, wanted: Wanted) -> str:
    match step:
        case Deploy():
            return f"deploy version {wanted.version} as {wanted.id}, without requests"
        case Shift(split):
            return f"version {wanted.version} gets {split.get(wanted.id, 0)} % of the requests"
        case Probe(share):
            return f"probe version {wanted.version} at {share} %"
        case Undeploy(deployment):
            return f"undeploy {deployment}"


def _named(split: Mapping[str, int], there: Sequence[Deployment]) -> str:
    return ", ".join(f"version {each.version}" for each in there if each.id in split)
