"""What of the loop is each model's own: how its platform is simulated, what arrives, what loads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kedro.io import CatalogProtocol

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import ConfigurationError

Catalog = CatalogProtocol[Any, Any]


@dataclass(frozen=True)
class Story:
    """How a model's days come about.

    Attributes:
        past: Pipelines that make the platform's past, the first version and its first queue.
        day: Pipeline that adds a day of the simulated platform, verdicts included.
        last_arrival: Finds the last day on which anything arrived, None before the first.
        open: Opens a version as scoring would; raises :class:`ucu_mlops.errors.BundleError`.
    """

    past: tuple[str, ...]
    day: str
    last_arrival: Callable[[Catalog], date | None]
    open: Callable[[Bundle], object]


def story_of(model: str) -> Story:
    """Give a model's story.

    Raises:
        ConfigurationError: There is no such model.
    """
    if model not in STORIES:
        raise ConfigurationError(f"model must be one of {sorted(STORIES)}, got {model!r}")
    return STORIES[model]


def _last_event(catalog: Catalog) -> date | None:
    from ucu_mlops.features.arrivals import last_arrival  # noqa: PLC0415 (start-up time)
    from ucu_mlops.features.declarations import parse_declarations  # noqa: PLC0415

    declared = parse_declarations(catalog.load("params:features"))
    return last_arrival(declared, catalog.load("source_tables"))


def _last_upload(catalog: Catalog) -> date | None:
    day: date | None = catalog.load("uploads")["ingested_at"].date().max().to_pyarrow().as_py()
    return day


def _open_scam(bundle: Bundle) -> object:
    from ucu_mlops.bundle.predict import Predictor  # noqa: PLC0415 (start-up time)

    return Predictor(bundle)


def _open_images(bundle: Bundle) -> object:
    from ucu_mlops.images.model_files import label_set_of, predictor_of  # noqa: PLC0415

    return label_set_of(bundle) if bundle.manifest.kind == "rule" else predictor_of(bundle)


STORIES: Mapping[str, Story] = {
    "scam": Story(("__default__",), "simulation_day", _last_event, _open_scam),
    "images": Story(
        ("images_simulation", "images_first"), "images_simulation_day", _last_upload, _open_images
    ),
}
