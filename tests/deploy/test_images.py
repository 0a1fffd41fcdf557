"""The images are what the configuration calls them, small in rights, and made of one list."""

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "deploy/images"
sys.path.insert(0, str(IMAGES))

from dockerfile import installs, lineage, read_stages  # noqa: E402  (a script's neighbour)

NAMED = yaml.safe_load((ROOT / "conf/base/vertexai.yml").read_text())["images"]
SERVERS = {"serving": "scam", "serving-images": "images"}


@pytest.fixture(scope="module")
def stages():
    return read_stages()


@pytest.mark.parametrize("image", sorted(NAMED))
def test_an_image_has_the_extras_that_the_plan_counts_on(stages, image):
    """`kedro vertex plan` refuses a node whose extra its image lacks: by this very list."""
    assert installs(stages, image) == ["/opt/venv", *NAMED[image].get("extras", [])]


@pytest.mark.parametrize("image", [*sorted(NAMED), *SERVERS])
def test_nobody_is_root(stages, image):
    """Whatever a container runs, it runs as a user without rights."""
    users = [stage.user for stage in lineage(stages, image) if stage.user]
    assert users[-1] == "10001"


@pytest.mark.parametrize("image", [*sorted(NAMED), *SERVERS])
def test_an_image_holds_no_sources_credentials_or_compilers(stages, image):
    """What installs is a stage of its own; conf/local is kept out of what Docker is sent."""
    copied = {source for stage in lineage(stages, image) for source, _ in stage.copies}
    assert copied == {"pyproject.toml", ".telemetry", "conf"}
    sent = (IMAGES / "Dockerfile.dockerignore").read_text().splitlines()
    assert sent.index("conf/local") > sent.index("!conf")


def test_what_is_copied_is_there_and_sent(stages):
    """A COPY of a file that moved, or that the ignore file keeps back, fails here."""
    sent = (IMAGES / "Dockerfile.dockerignore").read_text().splitlines()
    for stage in stages.values():
        for source, _ in stage.copies:
            assert (ROOT / source).exists()
            assert f"!{source}" in sent


@pytest.mark.parametrize(("image", "model"), SERVERS.items())
def test_a_server_starts_its_model(stages, image, model):
    """The command is the one that `make serve` runs, in production's environment."""
    starts = [part for stage in lineage(stages, image) for part in stage.starts]
    assert starts == ["python", "-m", "ucu_mlops.serving", "--env=gcp", f"--model={model}"]


def test_what_is_installed_is_constrained():
    """Every pip of the list has a file of constraints, and kedro-vertexai no dependencies."""
    script = (IMAGES / "install.sh").read_text().replace("\\\n", " ")
    pips = [line for line in script.splitlines() if "pip" in line and " install " in line]
    assert all("--constraint constraints-gcp.txt" in line for line in pips)
    assert "--no-deps" in next(line for line in pips if line.endswith("kedro-vertexai"))
