"""An endpoint follows the ledger by probed steps, whatever goes wrong and wherever it is killed."""

import json
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

import grpc

from standins.vertex.faults import Fault
from standins.vertex.refusals import RefusalError
from standins.vertex.server import StandIn
from tests.serving.sites import Site, scam_draft, serving
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.adapters.vertex.deploying import Deployer
from ucu_mlops.adapters.vertex.endpoint_options import read_endpoint
from ucu_mlops.adapters.vertex.endpoints import ModelEndpoint
from ucu_mlops.adapters.vertex.probes import Asker
from ucu_mlops.adapters.vertex.serving_models import ServingModels
from ucu_mlops.adapters.vertex_client import Patience, Vertex
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.rows import ordered, row_inputs
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.errors import CloudError, ConfigurationError, ReleaseError
from ucu_mlops.release.moves import Proposal, cold_start, promote, rollback

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 4, 1, tzinfo=UTC)
SHIPPED = yaml.safe_load((ROOT / "conf/gcp/endpoints.yml").read_text(encoding="utf-8"))
METHODS = (
    "UploadModel",
    "CreateEndpoint",
    "GetEndpoint",
    "DeployModel",
    "ListOperations",
    "GetOperation",
    "UpdateEndpoint",
    "Predict",
    "UndeployModel",
)


class Desk:
    """A model with versions, a ledger, and Vertex AI's stand-in in which bundles answer."""

    def __init__(self, folder, stand_in):
        self.folder, self.stand_in = folder, stand_in
        self.vertex = Vertex("my-project", "europe-west1", Patience(0.001, 0.01, 2.0))
        self.ledger = SqliteLedger(folder / "ledger.db")
        self.bundles, self.broken, self.said = {}, set(), []
        stand_in.endpoints.containers = self.start

    def start(self, model):
        """Start a container: the version's own bundle answers, unless the version is broken."""
        (version,) = [each.value for each in model.container_spec.env]
        if f"start {version}" in self.broken:
            raise RefusalError(grpc.StatusCode.INTERNAL, "the model server never became healthy")
        bundle = self.bundles[version]
        predictor = Predictor(bundle)

        def answer(body):
            if f"answer {version}" in self.broken:
                raise RefusalError(grpc.StatusCode.INTERNAL, "500")
            features = bundle.manifest.features
            rows = [ordered(each["features"], features) for each in body["instances"]]
            found = predictor.predict_inputs(row_inputs(rows, features))
            named = "another" if f"name {version}" in self.broken else version
            return {
                "predictions": [
                    {"labels": {"scam": {"probability": p}}, "version": named} for (p,) in found
                ]
            }

        return answer

    def release(self, version):
        """Make a version and make it champion."""
        self.bundles[version] = write_bundle(
            scam_draft(float(version)), self.folder / "bundles" / version
        )
        if version == "1":
            cold_start(self.ledger, "scam", "1", who="ann", why="begin", at=AT)
        else:
            promote(self.ledger, Proposal("scam", version, "promote", "better"), "run", AT)

    def deploy(self, **changes):
        """Do what the command does."""
        options = read_endpoint({"scam": SHIPPED["scam"] | changes}, "scam")
        version = self.ledger.head("scam").to_version
        bundle = replace(self.bundles[version], version=version)
        endpoint = ModelEndpoint(self.vertex, "scam", options)
        serving = ServingModels(self.vertex, "scam")
        made = serving.make(version, f"gs://bucket/bundles/{version}", options)
        asker = Asker(self.vertex, endpoint.name, bundle, options.probe)
        deployer = Deployer("scam", self.ledger, endpoint, serving, asker, self.said.append)
        deployer.deploy(made, options.steps)

    def traffic(self):
        """Return the share of each deployed version."""
        (endpoint,) = self.stand_in.endpoints.endpoints.values()
        versions = ServingModels(self.vertex, "scam").versions()
        return {
            versions[each.model_version_id]: endpoint.traffic_split.get(each.id, 0)
            for each in endpoint.deployed_models
        }


@pytest.fixture
def desk(tmp_path, monkeypatch):
    stand_in = StandIn()
    monkeypatch.setenv("VERTEX_EMULATOR_HOST", stand_in.start())
    made = Desk(tmp_path, stand_in)
    made.release("1")
    yield made
    stand_in.faults.heal()
    stand_in.stop()


def test_versions_follow_one_another(desk):
    """The champion answers all, the one before stays without requests, older ones go."""
    desk.deploy()
    assert desk.traffic() == {"1": 100}
    for version, expected in (("2", {"1": 0, "2": 100}), ("3", {"2": 0, "3": 100})):
        desk.release(version)
        desk.deploy()
        assert desk.traffic() == expected
    done = [each for each in desk.said if not each.startswith("  to do")]
    assert [each for each in done if "of the requests" in each][-3:] == [
        f"version 3 gets {share} % of the requests" for share in (10, 50, 100)
    ]


def test_again_changes_nothing(desk):
    """The champion is probed, and that is all."""
    desk.deploy()
    before = desk.stand_in.faults.calls.copy()
    desk.deploy()
    called = desk.stand_in.faults.calls - before
    assert not {"UploadModel", "CreateEndpoint", "DeployModel", "UpdateEndpoint"} & set(called)


def test_going_back_is_a_change_of_traffic_alone(desk):
    """After a rollback of the ledger nothing is deployed: the version before takes over at once."""
    desk.deploy()
    desk.release("2")
    desk.deploy()
    deployments = desk.stand_in.faults.calls["DeployModel"]
    rollback(desk.ledger, "scam", "ann", "bad", AT)
    desk.deploy()
    assert desk.traffic() == {"1": 100}
    assert desk.stand_in.faults.calls["DeployModel"] == deployments


@pytest.mark.parametrize("what", ["answer 2", "name 2"])
def test_a_version_that_fails_its_probe_gives_the_requests_back(desk, what):
    """At its first step: the old version has all again, and the message says what to do."""
    desk.deploy()
    desk.release("2")
    desk.broken.add(what)
    with pytest.raises(ReleaseError, match=r"all requests go to version 1 again; .* rollback scam"):
        desk.deploy()
    assert desk.traffic() == {"1": 100, "2": 0}
    desk.broken.clear()
    desk.deploy()
    assert desk.traffic() == {"1": 0, "2": 100}


def test_a_first_version_that_fails_has_nobody_to_give_them_to(desk):
    """The message says so."""
    desk.broken.add("answer 1")
    with pytest.raises(ReleaseError, match="no other version to go back to"):
        desk.deploy()


def test_another_bundle_under_the_champions_name_is_found_out(desk):
    """What answers must say what the same bundle says here."""
    desk.deploy()
    desk.release("2")
    right = desk.bundles["2"]

    def start(model):
        desk.bundles["2"] = desk.bundles["1"]
        answer = desk.start(model)
        desk.bundles["2"] = right
        return answer

    desk.stand_in.endpoints.containers = start
    with pytest.raises(ReleaseError, match="the same bundle here"):
        desk.deploy()
    assert desk.traffic()["1"] == 100


def test_a_deployment_that_fails_changes_nothing(desk):
    """The old version answers on; when the cause is mended the same command goes on."""
    desk.deploy()
    desk.release("2")
    desk.broken.add("start 2")
    with pytest.raises(CloudError, match="never became healthy"):
        desk.deploy()
    assert desk.traffic() == {"1": 100}
    desk.broken.clear()
    desk.deploy()
    assert desk.traffic() == {"1": 0, "2": 100}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNAVAILABLE, Fault.QUOTA])
def test_whatever_the_first_answer_is_there_is_one_of_each(desk, method, fault):
    """A lost answer, or none: one endpoint, one deployment per version, one version uploaded."""
    desk.stand_in.faults.order(method, fault)
    desk.deploy()
    for version in ("2", "3"):
        desk.release(version)
        desk.stand_in.faults.order(method, fault)
        desk.deploy()
    assert desk.traffic() == {"2": 0, "3": 100}
    assert len(ServingModels(desk.vertex, "scam").versions()) == 3


class KilledError(BaseException):
    """Ends a command between two of its words."""


@pytest.mark.parametrize("word", range(8))
def test_killed_at_any_step_it_goes_on(desk, word):
    """Killed before or after any step, given again: the endpoint is as wanted."""
    desk.deploy()
    desk.release("2")
    desk.deploy()
    desk.release("3")
    said = []

    def listen(text):
        said.append(text)
        if len([each for each in said if not each.startswith("  ")]) == word + 1:
            raise KilledError

    desk.said = type("Mouth", (), {"append": staticmethod(listen)})()
    with pytest.raises(KilledError):
        desk.deploy()
    assert sum(desk.traffic().values()) == 100
    desk.said = []
    desk.deploy()
    assert desk.traffic() == {"2": 0, "3": 100}


def test_of_two_who_change_an_endpoint_one_stops(desk):
    """Whoever decided for an older state of it changes nothing, in one line."""
    desk.deploy()
    options = read_endpoint(SHIPPED, "scam")
    endpoint = ModelEndpoint(desk.vertex, "scam", options)
    seen = endpoint.look()
    endpoint.shift(seen, seen.split)
    with pytest.raises(ReleaseError, match="somebody else changes endpoint scam") as caught:
        endpoint.shift(seen, {})
    assert "\n" not in str(caught.value)


def test_a_ledger_that_moves_meanwhile_stops_it(desk):
    """A champion that is none any more gets no more requests."""
    desk.deploy()
    desk.release("2")
    listen = desk.said.append

    def moves(text):
        listen(text)
        if text == "version 2 gets 10 % of the requests":
            desk.release("3")

    desk.said = type("Mouth", (), {"append": staticmethod(moves)})()
    with pytest.raises(ReleaseError, match="the ledger moved to revision 3, version 3"):
        desk.deploy()
    assert desk.traffic() == {"1": 90, "2": 10}
    desk.said = []
    desk.deploy()
    assert desk.traffic() == {"2": 0, "3": 100}


def test_a_bundle_that_is_not_in_cloud_storage_is_refused(desk):
    """Before anything is made."""
    options = read_endpoint(SHIPPED, "scam")
    with pytest.raises(ConfigurationError, match="serves from Cloud Storage only"):
        ServingModels(desk.vertex, "scam").make("1", "file:///data/1", options)
    assert not desk.stand_in.faults.calls


def test_the_projects_own_server_answers_a_probe(desk, tmp_path):
    """The container is the real server process, started as Vertex AI starts it."""
    with ExitStack() as processes:

        def start(model):
            site = Site(tmp_path / "site")
            spec = model.container_spec
            environ = {each.name: each.value for each in spec.env} | {
                "AIP_STORAGE_URI": str(desk.bundles["1"].folder),
                "AIP_PREDICT_ROUTE": spec.predict_route,
                "AIP_HEALTH_ROUTE": spec.health_route,
            }
            server = processes.enter_context(serving(site, **environ))
            url = f"http://127.0.0.1:{server.port}{spec.predict_route}"

            def answer(body):
                asked = urllib.request.Request(
                    url, json.dumps(body).encode(), {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(asked) as told:  # noqa: S310 (loopback)
                    return json.load(told)

            return answer

        desk.stand_in.endpoints.containers = start
        desk.deploy()
        assert desk.traffic() == {"1": 100}
