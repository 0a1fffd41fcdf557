"""How a server starts, and when it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from tests.serving.sites import Site, free_port, picture_site, scam_draft, serving
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.images.storing import store_options
from ucu_mlops.serving.settings import read_settings
from ucu_mlops.settings import CONFIG_LOADER_ARGS

ROOT = Path(__file__).parents[2]
ANYWHERE = "0.0.0.0"  # noqa: S104 (refused without keys, which is what is tested)
BODY = {"instances": [{"features": {"x": 0.0, "place": "UA"}}]}


STARTED = """
import asyncio, sys
from pathlib import Path
from ucu_mlops.serving.app import create_app
from ucu_mlops.serving.settings import read_settings

app = create_app(read_settings({model!r}, Path("conf"), None, {{}}))

async def ready():
    told = []
    async def send(message): told.append(message.get("status", 200))
    async def receive(): return {{"type": "http.request", "body": b"", "more_body": False}}
    await app({{"type": "http", "method": "GET", "path": "/health/ready", "headers": [],
               "query_string": b"", "root_path": ""}}, receive, send)
    return told[0] == 200

async def start():
    messages = asyncio.Queue()
    messages.put_nowait({{"type": "lifespan.startup"}})
    async def send(message): pass
    life = asyncio.create_task(app({{"type": "lifespan", "state": {{}}}}, messages.get, send))
    while not await ready():
        await asyncio.sleep(0.05)
    messages.put_nowait({{"type": "lifespan.shutdown"}})
    await life

asyncio.run(asyncio.wait_for(start(), 60))
print(sorted({{"kedro", "mlflow", "torch", "transformers"}} & set(sys.modules)))
"""


def started(folder, *arguments, **environ):
    """Run the server in a folder; it is expected to end by itself."""
    command = [sys.executable, "-m", "ucu_mlops.serving", *arguments]
    environment = {**os.environ, **environ}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_vertex_says_where_to_listen_and_what_to_serve(tmp_path):
    """The AIP variables name port, paths and bundle; no configuration and no ledger are needed."""
    write_bundle(scam_draft(), tmp_path / "models/scam/7")
    port, site = free_port(), Site(tmp_path / "site")
    for file in (site.folder / "conf/base").iterdir():
        file.unlink()
    (site.folder / "conf/base/serving.yml").write_text("{}")
    chosen = {
        "AIP_HTTP_PORT": str(port),
        "AIP_PREDICT_ROUTE": "/v1/predict",
        "AIP_HEALTH_ROUTE": "/v1/health",
        "AIP_STORAGE_URI": str(tmp_path / "models/scam/7"),
    }
    with serving(site, **chosen) as server:
        answer = server.ask(BODY, "/v1/predict")
        assert answer.body["predictions"][0]["version"] == "7"
        assert server.ask(BODY, "/predict").status == 404


@pytest.mark.parametrize("model", ["scam", "images"])
def test_it_runs_without_kedro_mlflow_and_torch(tmp_path, model):
    """A server with a champion at hand has not even imported them when it answers."""
    site = picture_site(tmp_path) if model == "images" else Site(tmp_path)
    if model == "scam":
        site.publish("1", scam_draft())
    script = STARTED.format(model=model)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_it_does_not_open_up_to_others_without_keys(tmp_path):
    """On another address than loopback it ends with one line, unless keys are set."""
    Site(tmp_path, options={"host": ANYWHERE})
    ended = started(tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "UCU_API_KEYS" in ended.stderr
    conf = tmp_path / "conf"
    assert read_settings("scam", conf, None, {"UCU_API_KEYS": "keys"}).host == ANYWHERE


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("hosst: x", "hosst"),
        ("limits: {instances: 0}", "limits.instances"),
        ("pictures: {places: ['https://a.example']}", "web server"),
        ("[1]", "keys with values"),
        ("a: [", "serving.yml"),
    ],
)
def test_wrong_options_are_named(tmp_path, written, said):
    """The server does not start on options that it would have to guess at."""
    site = Site(tmp_path)
    (site.folder / "conf/base/serving.yml").write_text(written)
    ended = started(tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT"),
        ({"AIP_HTTP_PORT": "99999"}, "AIP_HTTP_PORT"),
        ({"UCU_API_KEYS": "missing"}, "API keys"),
    ],
)
def test_wrong_variables_are_named(tmp_path, environ, said):
    """So it does with the environment."""
    Site(tmp_path)
    ended = started(tmp_path, **environ)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert said in ended.stderr


@pytest.mark.parametrize("content", ["", "backend secret", "a b c"])
def test_a_file_that_holds_no_hashes_is_refused(tmp_path, content):
    """A key itself in the file of keys, or none, is refused."""
    Site(tmp_path)
    (tmp_path / "keys").write_text(content)
    assert started(tmp_path, UCU_API_KEYS="keys").returncode == 2


def test_every_environment_can_be_read():
    """The project's own files are ones that a server starts with, in each environment."""
    for env in (None, "test", "barcodes", "ethereum"):
        settings = read_settings("scam", ROOT / "conf", env, {})
        assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    served = {"AIP_HTTP_PORT": "80", "AIP_STORAGE_URI": "gs://models/scam/1"}
    assert read_settings("scam", ROOT / "conf", "gcp", served).places.storage
    with pytest.raises(ConfigurationError, match="set AIP_STORAGE_URI"):
        read_settings("scam", ROOT / "conf", "gcp", {})
    with pytest.raises(ConfigurationError, match="no environment"):
        read_settings("scam", ROOT / "conf", "nowhere", {})


@pytest.mark.parametrize("env", ["base", "test", "barcodes"])
def test_pictures_are_decoded_as_the_store_does(env):
    """The network learned on pictures of the store's size and colours; callers' get the same."""
    loader = OmegaConfigLoader(
        str(ROOT / "conf"), env=env, runtime_params={"source_dir": "x"}, **CONFIG_LOADER_ARGS
    )
    store = store_options(loader["parameters"]["images"]["store"]).decoding
    served = read_settings("images", ROOT / "conf", env, {}).options.pictures
    assert DecodingOptions(served.side, served.channels, served.max_pixels) == store
