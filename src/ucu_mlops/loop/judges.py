"""Who judges a model's plays of a drill, which shifts they are about, and at which sizes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.day import DayReport
from ucu_mlops.loop.images_judgement import judge_images
from ucu_mlops.loop.judgement import judge_scam
from ucu_mlops.loop.project import Project


@dataclass(frozen=True)
class Judge:
    """How plays of one model are drilled.

    Attributes:
        kinds: Kinds of shift that its platform can have.
        env: Environment with the sizes of a play; None plays the desk's.
        judge: Tells of a project that was played for some days, the first of a shift, its kind and
            the days to average recall over, what ``drill.json`` holds.
    """

    kinds: tuple[str, ...]
    env: str | None
    judge: Callable[[Project, Sequence[DayReport], date, str, int], dict[str, Any]]


def judge_of(model: str) -> Judge:
    """Give a model's judge.

    Raises:
        ConfigurationError: There is no such model.
    """
    if model not in JUDGES:
        raise ConfigurationError(f"drill: model must be one of {sorted(JUDGES)}, got {model!r}")
    return JUDGES[model]


JUDGES: Mapping[str, Judge] = {
    "scam": Judge(("new_scam", "broken_feed", "growth"), None, judge_scam),
    "images": Judge(("new_look",), "images_drill", judge_images),
}
