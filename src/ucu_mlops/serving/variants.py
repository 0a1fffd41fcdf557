"""Experiments on this server: who takes part, the versions that variants need, and their answers.

experiments.yml, switches ─▶ the running experiments ─▶ a slot for each version beside the champion
instance ─▶ its variant ─▶ that version answers; if it cannot, the champion does, and it is recorded
"""

import asyncio
import hashlib
import logging
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ucu_mlops.errors import UcuMlopsError
from ucu_mlops.experiments.assignment import variant_of
from ucu_mlops.experiments.definition import CHAMPION, Experiment
from ucu_mlops.serving.answers import Answered, Model, Place
from ucu_mlops.serving.metrics import Counter
from ucu_mlops.serving.problems import BusyProblem, NotReadyProblem, Problem
from ucu_mlops.serving.schemas import Instance, UploadedPicture
from ucu_mlops.serving.spool import now
from ucu_mlops.serving.versions import Versions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is to run.

    Attributes:
        experiments: All that are configured.
        off: Variants that are turned off, as experiment and variant.
    """

    experiments: Sequence[Experiment] = ()
    off: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Part:
    """How an entity takes part.

    Attributes:
        place: Where.
        versions: Has the variant's version; None: it is the champion.
    """

    place: Place
    versions: Versions | None


class Variants:
    """Follows the plan; without an experiment it costs a request nothing.

    Args:
        model: The model that is served.
        read: Reads the plan.
        slot: Makes what keeps a version loaded: ``previous`` or a version's number.
        answers: Counts answers by experiment, variant and outcome.
        poll_s: Seconds between two looks.
        today: The day, UTC.

    Attributes:
        shadows: Experiments whose variants answer in the shadow now.
    """

    def __init__(
        self,
        model: str,
        read: Callable[[], Plan],
        slot: Callable[[str], Versions],
        answers: Counter,
        poll_s: float,
        today: Callable[[], date] = lambda: now().date(),
    ) -> None:
        self._model, self._read, self._slot = model, read, slot
        self._answers, self._poll_s, self._today = answers, poll_s, today
        self._slots: dict[str, Versions] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._plan, self._day, self._said = Plan(), date.min, ""
        self._splits: list[Experiment] = []
        self.shadows: list[Experiment] = []

    async def watch(self) -> None:
        """Look again and again, until cancelled; what cannot be read leaves all as it is."""
        while True:
            try:
                await self.refresh()
                self._said = ""
            except UcuMlopsError as error:
                if str(error) != self._said:  # once, not every second
                    logger.warning("the experiments stay as they are: %s", error)
                    self._said = str(error)
            except Exception:
                logger.exception("the experiments stay as they are")
            await asyncio.sleep(self._poll_s)

    async def refresh(self) -> None:
        """Look once.

        Raises:
            ConfigurationError: The configuration is none.
            ReleaseError: The switches cannot be read.
        """
        plan = await asyncio.to_thread(self._read)
        self._day = self._today()
        mine = [each for each in plan.experiments if each.model == self._model]
        running = [each for each in mine if each.exposure(self._day) > 0]
        self._plan = plan
        self._splits = [each for each in running if not each.shadow]
        self.shadows = [each for each in running if each.shadow]
        needed = {
            version
            for each in running
            for variant, version in each.variants.items()
            if version != CHAMPION and self._is_on(each, variant)
        }
        for version in needed - set(self._slots):
            self._slots[version] = self._slot(version)
        for version in set(self._slots) - needed:
            task = asyncio.create_task(self._slots.pop(version).close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        for versions in list(self._slots.values()):
            await versions.refresh()

    def part_of(self, instance: Instance) -> Part | None:
        """Tell which part an instance has in the experiment that splits requests now."""
        if not self._splits or (entity := entity_of(instance)) is None:
            return None
        for experiment in self._splits:
            variant = variant_of(experiment, entity, self._day)
            if variant is not None and self._is_on(experiment, variant):
                return self._part(experiment, variant, shadow=False)
        return None

    def shadows_of(self, instance: Instance) -> list[Part]:
        """Tell which variants answer an instance in the shadow: all, to be compared in pairs."""
        entity = entity_of(instance)
        return [
            self._part(experiment, variant, shadow=True)
            for experiment in self.shadows
            if entity is not None and variant_of(experiment, entity, self._day) is not None
            for variant in experiment.challengers
            if self._is_on(experiment, variant)
        ]

    async def answer(
        self, request_id: str, part: Part, champion: Model, instance: Instance, *, reasons: bool
    ) -> Answered:
        """Answer with the variant's version, or else with the champion.

        Raises:
            BusyProblem: There is no room; twice the work would leave even less.
            Problem: The champion cannot answer either.
        """
        place, error = part.place, None
        if part.versions is not None:
            try:
                with part.versions.used() as model:
                    check_labels(model, champion)
                    answer = await model.answer(instance, reasons=reasons)
                    self.count(place, "answered")
                    return Answered(request_id, model, answer, place)
            except BusyProblem:
                raise
            except Problem as problem:
                error = str(problem)
            except Exception as unexpected:
                logger.exception("%s of %s cannot answer", place.variant, place.experiment)
                error = type(unexpected).__name__
        answer = await champion.answer(instance, reasons=reasons)
        self.count(place, "answered" if error is None else "fallback")
        return Answered(request_id, champion, answer, place, error)

    def count(self, place: Place, outcome: str) -> None:
        """Count an answer, or what became of it."""
        self._answers.add(place.experiment, place.variant, outcome)

    async def close(self) -> None:
        """Let all versions answer what they accepted."""
        await asyncio.gather(*(each.close() for each in self._slots.values()), *self._closing)

    def _is_on(self, experiment: Experiment, variant: str) -> bool:
        return (experiment.name, variant) not in self._plan.off

    def _part(self, experiment: Experiment, variant: str, *, shadow: bool) -> Part:
        version = experiment.variants[variant]
        place = Place(experiment.name, variant, shadow)
        return Part(place, None if version == CHAMPION else self._slots.get(version))


def check_labels(model: Model, champion: Model) -> None:
    """Refuse a version that answers with other labels: callers expect the champion's.

    Raises:
        NotReadyProblem: It does.
    """
    ours, theirs = ([each.name for each in side.manifest.labels] for side in (model, champion))
    if ours != theirs:
        raise NotReadyProblem(f"version {model.version} gives {ours}, the champion {theirs}")


def entity_of(instance: Instance) -> str | None:
    """Name what sticks to a variant: the user, or the picture however it was sent."""
    if instance.image is None:
        return instance.user_id
    if instance.image.uri is not None:
        return instance.image.uri
    if isinstance(instance.image, UploadedPicture):
        return hashlib.sha256(instance.image.content).hexdigest()
    try:
        return hashlib.sha256(b64decode(str(instance.image.b64))).hexdigest()
    except ValueError:  # it will be refused
        return None
