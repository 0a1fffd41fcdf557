"""``python -m ucu_mlops.serving --model scam``: read the settings, then serve until stopped."""

import argparse
import gc
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn

from ucu_mlops.errors import ConfigurationError, UcuMlopsError
from ucu_mlops.serving.app import create_app
from ucu_mlops.serving.settings import read_settings

KEEP_ALIVE_S = 30
GRACE_S = 20  # what is being answered when a stop comes may be answered
# Objects made until the cycles among them are looked for: at the usual 700 that took a quarter of
# the time, and requests leave hardly any.
BETWEEN_COLLECTIONS = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Serve one model; the environment says the rest (docs/serving.md).

    Args:
        arguments: Of the command line.

    Returns:
        0; 2 where the server cannot start, with one line that says why.
    """
    parser = argparse.ArgumentParser(prog="python -m ucu_mlops.serving", description=main.__doc__)
    parser.add_argument("--model", default="scam", help="which model (default: scam)")
    parser.add_argument("--env", default=None, help="configuration environment (default: the desk)")
    parser.add_argument("--conf", default=Path("conf"), type=Path, help="folder of configuration")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        settings = read_settings(given.model, given.conf, given.env, os.environ)
        check_free(settings.host, settings.grpc_port)
        app = create_app(settings)
    except UcuMlopsError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    gc.freeze()  # what is imported stays
    gc.set_threshold(BETWEEN_COLLECTIONS)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        http="httptools",
        loop="uvloop",
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    return 0


def check_free(host: str, port: int | None) -> None:
    """Refuse to start where gRPC's port is taken, before anything is opened.

    Raises:
        ConfigurationError: It is, or the address is none of this machine.
    """
    if port is None:
        return
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        raise ConfigurationError(
            f"gRPC cannot listen on {host}, port {port}: {error.strerror}; set grpc_port in "
            "serving.yml to another, or to null"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


if __name__ == "__main__":
    sys.exit(main())
