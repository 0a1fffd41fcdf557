"""What of a play is each model's own: how its platform is simulated."""

from collections.abc import Mapping
from dataclasses import dataclass

from ucu_mlops.errors import ConfigurationError


@dataclass(frozen=True)
class Story:
    """How a model's days come about.

    Attributes:
        past: Pipelines that make the platform's past, the first version and its first queue.
        day: Pipeline that adds a day of the simulated platform, verdicts included.
    """

    past: tuple[str, ...]
    day: str


def story_of(model: str) -> Story:
    """Give a model's story.

    Raises:
        ConfigurationError: There is no such model.
    """
    if model not in STORIES:
        raise ConfigurationError(f"model must be one of {sorted(STORIES)}, got {model!r}")
    return STORIES[model]


STORIES: Mapping[str, Story] = {
    "scam": Story(("__default__",), "simulation_day"),
    "images": Story(("images_simulation", "images_first"), "images_simulation_day"),
}
