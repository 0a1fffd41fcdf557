"""The ASGI application: routes, what starts and ends with it, and how errors are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ucu_mlops.adapters.online_features import open_online
from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.experiments.switches import off
from ucu_mlops.serving import v2_rest
from ucu_mlops.serving.answers import Model
from ucu_mlops.serving.callers import Callers, read_keys
from ucu_mlops.serving.console import console_of
from ucu_mlops.serving.endpoint import PredictEndpoint, Spoken
from ucu_mlops.serving.health import Health
from ucu_mlops.serving.lookup import Lookup
from ucu_mlops.serving.metrics import Gauge, Metrics
from ucu_mlops.serving.openapi import document
from ucu_mlops.serving.options import ServingOptions
from ucu_mlops.serving.page import page_of
from ucu_mlops.serving.problems import Problem
from ucu_mlops.serving.records import Recorder
from ucu_mlops.serving.replies import JSON, UNTOLD, told
from ucu_mlops.serving.settings import PREDICT, READY, Settings
from ucu_mlops.serving.source import source_of
from ucu_mlops.serving.spool import Spool
from ucu_mlops.serving.tabular import TabularModel
from ucu_mlops.serving.v2_grpc import InferenceService, grpc_serving
from ucu_mlops.serving.variants import Plan, Variants
from ucu_mlops.serving.versions import Versions
from ucu_mlops.serving.vertex import VertexDialect

Watch = Callable[[], Coroutine[None, None, None]]


def create_app(settings: Settings) -> ASGIApp:
    """Build the application; nothing is opened before it starts.

    Args:
        settings: Where the server stands.

    Raises:
        ConfigurationError: The file of keys cannot be read.
    """
    metrics, options = Metrics(), settings.options
    spool = Spool(Path(settings.places.spool) / settings.model)
    lookup = _lookup(settings, metrics)
    load = partial(open_model, options=options, metrics=metrics, lookup=lookup)
    source = source_of(settings.model, settings.places)
    versions = Versions(source, load, metrics.swaps, options.poll_s)
    keys = read_keys(settings.keys) if settings.keys else None
    callers = Callers(keys, options.limits.per_second, options.limits.burst)
    recorder = Recorder(spool, metrics, options.records)
    variants = Variants(
        settings.model,
        partial(_plan, settings),
        lambda which: Versions(
            source_of(settings.model, settings.places, which), load, metrics.swaps, options.poll_s
        ),
        metrics.variants,
        options.poll_s,
    )
    predict = PredictEndpoint(versions, variants, callers, recorder, metrics, options.limits)
    metrics.gauges += [
        Gauge("in_flight", "Requests that are answered now.", (), lambda: {(): predict.in_flight}),
        Gauge("queue_depth", "Pictures that wait.", (), lambda: {(): _depth(versions)}),
        Gauge(
            "features_timestamp_seconds",
            "End of the day whose features users are looked up in.",
            (),
            lambda: _moment(lookup),
        ),
        Gauge("version_info", "The version in charge.", ("version",), lambda: _version(versions)),
    ]
    watches = (versions.watch, variants.watch, predict.deadlines.watch)
    closes = (predict.close, variants.close, versions.close)
    health = Health(versions)
    predicting = Spoken(predict, VertexDialect, "predict", metrics.requests)
    inferring = Spoken(predict, v2_rest.V2RestDialect, "infer", metrics.requests)
    grpc = _grpc(settings, InferenceService(predict, versions, health, metrics.requests))
    others = Starlette(
        routes=_routes(settings, predicting, inferring, versions, health, metrics),
        exception_handlers={
            Problem: _tell_problem,
            HTTPException: _tell_http,
            Exception: _tell_nothing,
        },
        lifespan=partial(_running, watches=watches, grpc=grpc, closes=closes, spool=spool),
    )
    return _with_a_lane(others, settings.predict, predicting)


def _with_a_lane(others: ASGIApp, path: str, predicting: ASGIApp) -> ASGIApp:
    """Lead predictions past the router and its middleware, which take longer than their answer."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == path
        await (predicting if is_asked else others)(scope, receive, send)

    return application


def _routes(
    settings: Settings,
    predicting: ASGIApp,
    inferring: ASGIApp,
    versions: Versions,
    health: Health,
    metrics: Metrics,
) -> list[Route]:
    described = document(settings.predict, settings.ready, settings.model)
    as_json, page = orjson.dumps(described), page_of(described)
    # On Vertex AI nobody comes here but Google's front, which knows predictions and health only.
    consoles = [] if settings.predict != PREDICT else [_console(settings.model)]
    return [
        *consoles,
        Route(settings.predict, predicting, methods=["POST"]),  # for other methods' 405
        # Vertex AI may name a path of its own for readiness.
        *(
            Route(path, health.ready, methods=["GET"])
            for path in dict.fromkeys([settings.ready, READY])
        ),
        Route("/health/live", health.live, methods=["GET"]),
        *v2_rest.routes(inferring, versions, health),
        Route("/openapi.json", _given(lambda: as_json, JSON), methods=["GET"]),
        Route("/docs", _given(lambda: page, "text/html"), methods=["GET"]),
        Route("/metrics", _given(metrics.text, "text/plain; version=0.0.4"), methods=["GET"]),
    ]


def _console(model: str) -> Route:
    page, headers = console_of(model)

    async def console(_: Request) -> Response:
        return Response(page, headers=headers, media_type="text/html")

    return Route("/", console, methods=["GET"])


async def open_model(
    bundle: Bundle, *, options: ServingOptions, metrics: Metrics, lookup: Lookup | None
) -> Model:
    """Open a version as what it is: a model of features, or one of pictures.

    Raises:
        BundleError: It cannot be opened.
    """
    if not bundle.manifest.takes_pictures:
        return await asyncio.to_thread(TabularModel, bundle, metrics, lookup)
    # Pillow and the readers are an extra, which a server of features does without.
    from ucu_mlops.images.decoding import DecodingOptions  # noqa: PLC0415
    from ucu_mlops.images.online import OnlinePictures  # noqa: PLC0415
    from ucu_mlops.serving.pictures import PictureModel  # noqa: PLC0415

    chosen = options.pictures
    decoding = DecodingOptions(chosen.side, chosen.channels, chosen.max_pixels)
    largest = options.queue.batch
    network = await asyncio.to_thread(OnlinePictures, bundle, decoding, chosen.device, largest)
    return PictureModel(bundle, options, metrics, network)


@asynccontextmanager
async def _running(
    _: Starlette,
    watches: Sequence[Watch],
    grpc: AbstractAsyncContextManager[None],
    closes: Sequence[Watch],
    spool: Spool,
) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(watch()) for watch in watches]
    try:
        async with grpc:
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for close in closes:
            await close()
        spool.close()


def _given(read: Callable[[], str | bytes], media: str) -> Callable[[Request], Awaitable[Response]]:
    async def given(_: Request) -> Response:
        return Response(read(), media_type=media)

    return given


def _grpc(settings: Settings, service: InferenceService) -> AbstractAsyncContextManager[None]:
    if settings.grpc_port is None:
        return nullcontext()
    return grpc_serving(service, settings.host, settings.grpc_port, settings.options.limits)


def _plan(settings: Settings) -> Plan:
    experiments = settings.experiments()
    if not experiments:
        return Plan()
    turned = SqliteSwitches(settings.places.ledger).turned()
    return Plan([*experiments.values()], off(turned))


def _lookup(settings: Settings, metrics: Metrics) -> Lookup | None:
    address = settings.places.online
    if address is None:
        return None
    return Lookup(open_online(address), settings.options.features, metrics.lookups)


def _moment(lookup: Lookup | None) -> dict[tuple[str, ...], float]:
    if lookup is None or lookup.published is None:
        return {}
    return {(): lookup.published.moment.timestamp()}


def _depth(versions: Versions) -> float:
    return float(versions.current.depth) if versions.current else 0.0


def _version(versions: Versions) -> dict[tuple[str, ...], float]:
    return {(versions.current.version,): 1.0} if versions.current else {}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(told(message), status, headers, JSON)


async def _tell_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 (Starlette's types know no more)
    return _error(error.status, str(error), error.headers)


async def _tell_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    return _error(error.status_code, error.detail, dict(error.headers or {}))


async def _tell_nothing(_: Request, __: Exception) -> Response:
    """Starlette raises it again behind the answer: the log has it, the caller has not."""
    return _error(500, UNTOLD)
