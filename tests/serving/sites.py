"""Real servers: a folder with a ledger, bundles and configuration, and a process that serves it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import grpc
import numpy as np
from onnx import TensorProto, helper

from ucu_mlops.adapters.inference_protocol import SERVICE, message
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft, write_bundle
from ucu_mlops.images.answers import reader_rule
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.release.moves import override

FEATURES = (
    FeatureSpec("x", "numeric", "messages", "a1"),
    FeatureSpec("place", "categorical", "profile", "b2"),
)
AT = datetime(2026, 4, 1, tzinfo=UTC)


def network(shift: float) -> bytes:
    """Build an ONNX network that answers the sigmoid of ``x`` (0 if unknown) + ``shift``."""
    text, number = TensorProto.STRING, TensorProto.FLOAT
    nodes = [
        helper.make_node("IsNaN", ["x"], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", "x"], ["known"]),
        helper.make_node("Add", ["known", "shift"], ["moved"]),
        helper.make_node("Sigmoid", ["moved"], ["probabilities"]),
        helper.make_node("Identity", ["place"], ["unused"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [
            helper.make_tensor_value_info("x", number, [None, 1]),
            helper.make_tensor_value_info("place", text, [None, 1]),
        ],
        [helper.make_tensor_value_info("probabilities", number, [None, 1])],
        [
            helper.make_tensor("shift", number, [1], np.array([shift], np.float32)),
            helper.make_tensor("zero", number, [1], np.zeros(1, np.float32)),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def scam_draft(shift: float = 0.0) -> Draft:
    """Draft a version; ``shift`` tells it from others. NaN makes one that fails its probe."""
    reference = {
        "features": {
            "x": {"kind": "numeric", "edges": [-2.0, 0.0, 2.0], "median": 0.0},
            "place": {"kind": "categorical", "categories": ["LV", "UA"], "median": "UA"},
        }
    }
    manifest = Manifest(
        model="scam",
        kind="model",
        as_of="2026-03-31",
        features=FEATURES,
        labels=(LabelSpec("scam", 0.5),),
        reference=reference,
        training={"shift": str(shift)},
    )
    return Draft(manifest, {"model.onnx": network(shift)})


@dataclass
class Site:
    """What a server stands on.

    Attributes:
        folder: Holds ``conf/`` and ``data/``.
        model: What is served.
    """

    folder: Path
    model: str = "scam"
    options: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the configuration."""
        conf = self.folder / "conf/base"
        conf.mkdir(parents=True)
        places = {
            "data_root": "data",
            "tracking_uri": "sqlite:///data/mlflow.db",
            "ledger": "data/ledger.db",
            "bundles": "data/bundles",
            "spool": "data/requests",
        }
        (conf / "globals.yml").write_text(json.dumps(places))
        chosen = {"host": "127.0.0.1", "port": 0, "poll_s": 0.05, **self.options}
        (conf / "serving.yml").write_text(json.dumps(chosen))

    @property
    def ledger(self) -> SqliteLedger:
        """The ledger."""
        return SqliteLedger(self.folder / "data/ledger.db")

    def add(self, version: str, draft: Draft) -> None:
        """Put a version where the server finds it."""
        write_bundle(draft, self.folder / "data/bundles" / self.model / version)

    def publish(self, version: str, draft: Draft) -> None:
        """Add a version and make it champion."""
        self.add(version, draft)
        self.promote(version)

    def promote(self, version: str) -> None:
        """Make a version champion."""
        override(self.ledger, self.model, version, "a test", "it says so", AT)

    def records(self) -> list[dict]:
        """Read what the spool holds, whole lines only."""
        files = sorted((self.folder / "data/requests").rglob("*.jsonl"))
        lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
        return [json.loads(line) for line in lines]


@dataclass
class Answered:
    """What came back."""

    status: int
    body: dict
    headers: dict


@dataclass
class Server:
    """A server process."""

    site: Site
    process: subprocess.Popen
    port: int
    grpc_port: int

    def ask(self, body, path="/predict", media="application/json", headers=None) -> Answered:
        """Send one request; a dict is sent as JSON."""
        return ask(self.port, body, path, media, headers)

    def get(self, path) -> Answered:
        """Get a path."""
        return get(self.port, path)

    def infer(self, content: bytes, metadata=()):
        """Send a message by gRPC.

        Raises:
            RpcError: It was refused; its code says why.
        """
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            ask = channel.unary_unary(
                f"/{SERVICE}/ModelInfer",
                response_deserializer=message("ModelInferResponse").FromString,
            )
            return ask(content, metadata=metadata, timeout=30)

    def wait_for(self, what, seconds: float = 60.0):
        """Wait until something is true."""
        wait_for(what, self.process, seconds)

    def wait_version(self, version: str) -> None:
        """Wait until a version is in charge."""
        self.wait_for(lambda: self.get("/health/ready").body["version"] == version)


def ask(port, body, path="/predict", media="application/json", headers=None) -> Answered:
    """Send one request; a dict is sent as JSON."""
    content = json.dumps(body).encode() if isinstance(body, dict | list) else body
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", path, content, {"Content-Type": media, **(headers or {})})
        return answered(connection)


def get(port, path) -> Answered:
    """Get a path."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return answered(connection)


def answered(connection: HTTPConnection) -> Answered:
    """Read an answer."""
    response = connection.getresponse()
    content = response.read()
    is_json = response.headers["Content-Type"] == "application/json"
    body = json.loads(content) if is_json else {"text": content.decode()}
    return Answered(response.status, body, dict(response.headers))


def wait_for(what, process, seconds: float = 60.0) -> None:
    """Wait until something is true, or the process ends."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ConnectionError, RemoteDisconnected):
            if what():
                return
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(site: Site, ready: bool = True, **environ: str) -> Iterator[Server]:
    """Start a server process; stop it at the end."""
    port = int(environ.get("AIP_HTTP_PORT", 0)) or free_port()
    path = site.folder / "conf/base/serving.yml"
    ports = {"port": port, "grpc_port": free_port()}
    path.write_text(json.dumps(json.loads(path.read_text()) | ports))
    command = [sys.executable, "-m", "ucu_mlops.serving", "--model", site.model]
    with (site.folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=site.folder,
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    server = Server(site, process, **ports)
    try:
        health = environ.get("AIP_HEALTH_ROUTE", "/health/ready" if ready else "/health/live")
        wait_for(lambda: server.get(health).status == 200, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def picture_site(folder: Path, **options) -> Site:
    """A site whose champion is the rule of the readers."""
    made = Site(folder, "images", {"pictures": {"side": 64}, **options})
    labels = parse_labels({"qr_code": {"expert": ["QRCode"], "decides": "union"}})
    made.publish("1", reader_rule(labels, AT.date()))
    return made
