"""The ASGI application: routes, what starts and ends with it, and how errors are told."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.serving import v2
from ucu_mlops.serving.answers import Model
from ucu_mlops.serving.callers import Callers, read_keys
from ucu_mlops.serving.endpoint import JSON, PredictEndpoint
from ucu_mlops.serving.health import Health
from ucu_mlops.serving.metrics import Gauge, Metrics
from ucu_mlops.serving.openapi import document
from ucu_mlops.serving.options import ServingOptions
from ucu_mlops.serving.page import page_of
from ucu_mlops.serving.problems import Problem
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.settings import READY, Settings
from ucu_mlops.serving.source import source_of
from ucu_mlops.serving.spool import Spool
from ucu_mlops.serving.tabular import TabularModel
from ucu_mlops.serving.versions import Versions
from ucu_mlops.serving.vertex import VertexDialect

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> Starlette:
    """Build the application; nothing is opened before it starts.

    Args:
        settings: Where the server stands.

    Raises:
        ConfigurationError: The file of keys cannot be read.
    """
    metrics, options = Metrics(), settings.options
    spool = Spool(Path(settings.places.spool) / settings.model)
    load = partial(open_model, options=options, metrics=metrics)
    source = source_of(settings.model, settings.places)
    versions = Versions(source, load, metrics.swaps, options.poll_s)
    keys = read_keys(settings.keys) if settings.keys else None
    callers = Callers(keys, options.limits.per_second, options.limits.burst)
    recorder = Recorder(spool, metrics, options.records)
    predict = PredictEndpoint(versions, callers, recorder, metrics, options.limits)
    metrics.gauges += [
        Gauge("in_flight", "Requests that are answered now.", (), lambda: {(): predict.in_flight}),
        Gauge("queue_depth", "Pictures that wait.", (), lambda: {(): _depth(versions)}),
        Gauge("version_info", "The version in charge.", ("version",), lambda: _version(versions)),
    ]
    return Starlette(
        routes=_routes(settings, predict, versions, metrics),
        exception_handlers={
            Problem: _tell_problem,
            HTTPException: _tell_http,
            Exception: _tell_nothing,
        },
        lifespan=partial(_running, versions=versions, spool=spool),
    )


def _routes(
    settings: Settings, predict: PredictEndpoint, versions: Versions, metrics: Metrics
) -> list[Route]:
    health, described = Health(versions), document(settings.predict, settings.ready)
    as_json, page = orjson.dumps(described), page_of(described)
    vertex = VertexDialect()
    return [
        Route(settings.predict, predict.speaking(lambda: vertex, "predict"), methods=["POST"]),
        # Vertex AI may name a path of its own for readiness.
        *(Route(path, health.ready, methods=["GET"]) for path in dict.fromkeys([settings.ready, READY])),
        Route("/health/live", health.live, methods=["GET"]),
        *v2.routes(predict.speaking(v2.V2Dialect, "infer"), versions, health),
        Route("/openapi.json", _given(lambda: as_json, JSON), methods=["GET"]),
        Route("/docs", _given(lambda: page, "text/html"), methods=["GET"]),
        Route("/metrics", _given(metrics.text, "text/plain; version=0.0.4"), methods=["GET"]),
    ]


async def open_model(bundle: Bundle, *, options: ServingOptions, metrics: Metrics) -> Model:
    """Open a version as what it is: a model of features, or one of pictures.

    Raises:
        BundleError: It cannot be opened.
    """
    if bundle.manifest.features:
        return await asyncio.to_thread(TabularModel, bundle, metrics)
    # Pillow and the readers are an extra, which a server of features does without.
    from ucu_mlops.images.online import OnlinePictures  # noqa: PLC0415
    from ucu_mlops.serving.pictures import PictureModel  # noqa: PLC0415

    chosen = options.pictures
    decoding = DecodingOptions(chosen.side, chosen.channels, chosen.max_pixels)
    network = await asyncio.to_thread(OnlinePictures, bundle, decoding)
    return PictureModel(bundle, options, metrics, network)


@asynccontextmanager
async def _running(_: Starlette, versions: Versions, spool: Spool) -> AsyncIterator[None]:
    watching = asyncio.create_task(versions.watch())
    watching.add_done_callback(_end_loudly)
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await versions.close()
        spool.close()


def _end_loudly(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("versions are not watched any more", exc_info=error)


def _given(read: Callable[[], str | bytes], media: str) -> Callable[[Request], Awaitable[Response]]:
    async def given(_: Request) -> Response:
        return Response(read(), media_type=media)

    return given


def _depth(versions: Versions) -> float:
    return float(versions.current.depth) if versions.current else 0.0


def _version(versions: Versions) -> dict[tuple[str, ...], float]:
    return {(versions.current.version,): 1.0} if versions.current else {}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"error": message}), status, headers, JSON)


async def _tell_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 (Starlette's types know no more)
    return _error(error.status, str(error), error.headers)


async def _tell_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    return _error(error.status_code, error.detail, dict(error.headers or {}))


async def _tell_nothing(_: Request, __: Exception) -> Response:
    """Starlette raises it again behind the answer: the log has it, the caller has not."""
    return _error(500, "something went wrong here; it is logged")
