"""Proves what an image installs, without Docker.

Its list becomes a virtual environment, in which its tasks run at the tests' size, in a folder that
holds what the image copies and nothing else.

    python3.11 deploy/images/prove.py [tabular] [torch]     # minutes, and 3 GB for torch
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dockerfile import installs, lineage, read_stages

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# By image: the pipelines whose compiled files leave a champion, and the server's target. Readers
# of codes answer in the pipelines only: the server gets the network, good or not at this size.
PIPELINES = {"tabular": ("__default__",), "torch": ("images_simulation", "images_first")}
SERVERS = {"tabular": "serving", "torch": "serving-images"}
PROMOTE = {"torch": ("images", "2")}
READY_S = 120


def main(images: list[str]) -> None:
    """Prove one image after another; ends with the exit code of what failed."""
    for image in images or list(PIPELINES):
        with TemporaryDirectory(prefix=f"image-{image}-") as folder:
            prove(image, Path(folder))


def prove(image: str, folder: Path) -> None:
    """Install, check, compile and run, serve."""
    stages = read_stages()
    venv, app = folder / "venv", folder / "app"
    for stage in lineage(stages, image):
        copy(stage.copies, app)
    (app / "src").mkdir()
    began = time.monotonic()
    install(image, folder)
    say(image, f"installed in {time.monotonic() - began:.0f} s, {size_mb(venv)} MB")
    say(image, f"pip check: {complaints(venv)} complaints, all of kedro-vertexai's")
    for pipeline in PIPELINES[image]:
        began = time.monotonic()
        file = f"{folder}/{pipeline}.yml"
        kedro = ["python", "-m", "kedro", "vertex"]
        run([*kedro, "compile", "--env=test", f"--pipeline={pipeline}", f"--output={file}"], folder)
        run([*kedro, "run-local", file], folder)
        say(image, f"{pipeline}: compiled and run in {time.monotonic() - began:.0f} s")
    if image in PROMOTE:
        promote = ["release", "promote", *PROMOTE[image], "--why=to be served", "--env=test"]
        run(["python", "-m", "kedro", *promote], folder)
    starts = [part for stage in lineage(stages, SERVERS[image]) for part in stage.starts]
    with serving(["--env=test" if each == "--env=gcp" else each for each in starts], folder) as at:
        say(image, f"{' '.join(starts)}: ready at {at}")


def install(image: str, folder: Path) -> None:
    """Do what the stage does from which the image takes its environment."""
    stages = read_stages()
    build = folder / "build"
    copy(stages["sources"].copies, build)
    _, *extras = installs(stages, image)
    script = ["sh", "deploy/images/install.sh", str(folder / "venv"), *extras]
    subprocess.run(script, cwd=build, check=True)
    shutil.rmtree(build)  # what runs is what was installed


def copy(copies: list[tuple[str, str]], to: Path) -> None:
    """Copy files and folders of the checkout as COPY does."""
    for source, target in copies:
        place = to / target / Path(source).name if target.endswith("/") else to / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / source, place, ignore=ignored)
        else:
            shutil.copy(ROOT / source, place)


def environment(folder: Path) -> dict[str, str]:
    """Return what a container knows: nothing of the caller's."""
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    path = f"{folder / 'venv/bin'}:{SYSTEM_PATH}"
    return {"PATH": path, "HOME": str(folder), "DO_NOT_TRACK": "1", **threads}


def run(command: list[str], folder: Path) -> None:
    """Run in the image's folder; what it says is shown only if it fails."""
    done = subprocess.run(
        command,
        cwd=folder / "app",
        env=environment(folder),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def complaints(venv: Path) -> int:
    """Count what pip complains of; what is not about kedro-vertexai's bounds ends the proof."""
    command = [venv / "bin/python", "-m", "pip", "check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if others := [line for line in lines if not line.startswith("kedro-vertexai ")]:
        sys.exit(f"pip check: {others[0]}")
    return len(lines)


@contextmanager
def serving(starts: list[str], folder: Path) -> Iterator[str]:
    """Start the server on a free port of loopback, and wait until a champion answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "app/conf/test/serving.yml"
    settings.write_text(f"{settings.read_text(encoding='utf-8')}port: {port}\n", encoding="utf-8")
    at = f"http://127.0.0.1:{port}/health/ready"
    process = subprocess.Popen(starts, cwd=folder / "app", env=environment(folder))
    try:
        wait_for(at, process)
        yield at
    finally:
        process.terminate()
        process.wait()


def wait_for(at: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until an address answers 200."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(at, timeout=5):  # noqa: S310 (loopback)
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{at} did not answer")


def size_mb(folder: Path) -> int:
    """Measure what a folder's files take, in MB."""
    files = (each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
    return sum(each.stat().st_size for each in files) >> 20


def say(image: str, what: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{image}: {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
