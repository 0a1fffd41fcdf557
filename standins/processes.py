"""Starts the stand-ins that are somebody else's programs, each a process on loopback."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = Path(__file__).parents[1] / ".standins"
PATIENCE_S = 60.0


def installed() -> bool:
    """Tell whether the environment of the stand-ins is there (``make test-cloud`` makes it)."""
    return (ENVIRONMENT / "bin" / "local-bigquery").exists()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a program until the caller is done; it is there once it listens.

    Args:
        command: A program of the stand-ins' environment, and its arguments.
        port: Where it listens.
        folder: Its home and working folder; what it says is in ``log``.
        environment: All that it gets.

    Raises:
        RuntimeError: It ended, or does not listen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = [str(ENVIRONMENT / "bin" / command[0]), *command[1:]]
    own = {"HOME": str(folder), "PATH": "/usr/bin:/bin", **environment}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(program, cwd=folder, env=own, stdout=log, stderr=log)  # noqa: S603 (our own)
        try:
            _wait(process, port, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a stand-in does not listen on {port}: {log.read_text()[-2000:]}")
