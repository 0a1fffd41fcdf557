"""Torture a server: ``python -m tests.torture.serving FOLDER BODIES SWAPS``.

BODIES malformed requests to each model's server, over HTTP and as many over gRPC, none of which may
get a 5xx or end it; then SWAPS promotions under load, during which not one request may fail.
"""

import sys
import threading
from pathlib import Path

import grpc

from tests.serving.malformed import malformed, malformed_message
from tests.serving.sites import Server, Site, picture_site, scam_draft, serving
from ucu_mlops.adapters.inference_protocol import SERVICE

BODY = {"instances": [{"features": {"x": 0.0, "place": "UA"}}]}
CONNECTIONS = 4
FAULTS = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"}


def send_malformed(server: Server, model: str, count: int) -> dict[int, int]:
    """Send them, and count the answers by status."""
    counts: dict[int, int] = {}
    for seed in range(count):
        path, media, body = malformed(seed, model)
        status = server.ask(body, path, media).status
        if status >= 500:  # a fault of the server's
            raise AssertionError(f"{model}: seed {seed} got {status}")
        counts[status] = counts.get(status, 0) + 1
    return counts


def send_messages(server: Server, model: str, count: int) -> dict[str, int]:
    """Send malformed messages by gRPC, and count the answers by code."""
    counts: dict[str, int] = {}
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        ask = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        for seed in range(count):
            try:
                ask(malformed_message(seed, model), timeout=30)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name
            if code in FAULTS:
                raise AssertionError(f"{model}: seed {seed} got {code}")
            counts[code] = counts.get(code, 0) + 1
    return counts


def swap_under_load(site: Site, server: Server, swaps: int) -> dict[int, int]:
    """Promote two versions in turn while clients ask, and count the answers by status."""
    counts: dict[int, int] = {}
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            status = server.ask(BODY).status
            counts[status] = counts.get(status, 0) + 1

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for each in threads:
        each.start()
    try:
        for swap in range(swaps):
            version = str(2 - swap % 2)
            site.promote(version)
            server.wait_version(version)
    finally:
        stop.set()
        for each in threads:
            each.join()
    return counts


def main(folder: str, bodies: str, swaps: str) -> None:
    """Torture both servers and say what came of it."""
    images, scam = picture_site(Path(folder, "images")), Site(Path(folder, "scam"))
    scam.add("2", scam_draft(1.0))
    scam.publish("1", scam_draft())
    for site in (scam, images):
        with serving(site) as server:
            counts = send_malformed(server, site.model, int(bodies))
            print(f"{site.model}: {bodies} malformed requests, by status {counts}")  # noqa: T201
            codes = send_messages(server, site.model, int(bodies))
            print(f"{site.model}: {bodies} malformed messages, by code {codes}")  # noqa: T201
    with serving(scam) as server:
        counts = swap_under_load(scam, server, int(swaps))
    print(f"scam: {swaps} swaps under load, by status {counts}")  # noqa: T201
    if set(counts) != {200}:
        raise AssertionError("a request failed while versions were swapped")


if __name__ == "__main__":
    main(*sys.argv[1:])
