"""Play the whole story once: a platform's past, a release, a revert, a shift and its answer."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ucu_mlops.loop.day import DayReport, describe_day, play_day
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.stories import story_of
from ucu_mlops.loop.triggers import trigger_of
from ucu_mlops.quality.checks import COUNT, COUNT_OR_NONE, check_numbers
from ucu_mlops.release.ledger import Ledger, champions
from ucu_mlops.release.moves import override, rollback

logger = logging.getLogger(__name__)

OPERATOR = "loop play"

FILE = "loop.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class PlayOptions:
    """What to play.

    Attributes:
        model: Name of the model.
        days: Days after the platform's past, at least 1.
        rollback_on: Day, counted from 1, on which the release is reverted for one day; 0 for never.
    """

    model: str
    days: int
    rollback_on: int

    def __post_init__(self) -> None:
        check_numbers(self, "loop", FILE, days=COUNT, rollback_on=COUNT_OR_NONE)


def play(project: Project, options: PlayOptions, ledger: Ledger) -> Iterator[DayReport]:
    """Run the pipelines of the past, then day after day; yields each day as it ends.

    Days that are done are told and not played again, so a play that was killed goes on.

    Args:
        project: The project to run pipelines of.
        options: What to play.
        ledger: The project's ledger, where the operator's moves go.
    """
    with project.catalog() as catalog:
        first = catalog.load("params:period").as_of
    if ledger.head(options.model) is None or describe_day(project, options.model, first) is None:
        logger.info("the platform's past up to %s, the first model and its queue", first)
        for pipeline in story_of(options.model).past:
            project.run(pipeline)
    for number in range(1, options.days + 1):
        as_of = first + timedelta(days=number)
        report = describe_day(project, options.model, as_of)
        if report is None or (report.action == "retrain" and report.gate is None):
            _operate(ledger, options, number, as_of)
            report = play_day(project, options.model, as_of, trigger_of(project), simulated=True)
        logger.info("day %s/%s %s", number, options.days, report)
        yield report


def _operate(ledger: Ledger, options: PlayOptions, number: int, as_of: date) -> None:
    """Do what the operator does on this day: revert, and a day later reinstate."""
    at = datetime.combine(as_of, time(3), UTC)
    moves = ledger.moves(options.model)
    if moves[-1].at >= at:  # this day was begun before
        return
    if number == options.rollback_on and len(champions(moves)) > 1:
        move = rollback(ledger, options.model, OPERATOR, "an operator's revert at 3 a.m.", at)
        logger.info("rolled back: version %s to %s", move.from_version, move.to_version)
    if number == options.rollback_on + 1 and moves[-1].kind == "rollback":
        why = "the revert was an exercise"
        move = override(ledger, options.model, str(moves[-1].from_version), OPERATOR, why, at)
        logger.info("reinstated: version %s", move.to_version)
