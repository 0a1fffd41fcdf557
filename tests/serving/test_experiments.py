"""Experiments on a running server: split, shadow, ramp, switches, and what is recorded of them."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import grpc
import numpy as np
import pytest
from PIL import Image

from tests.serving.sites import Site, picture_site, scam_draft, serving
from tests.serving.test_pictures import by_b64, jpeg
from ucu_mlops.adapters.inference_protocol import message
from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.bundle.store import Draft
from ucu_mlops.experiments.assignment import variant_of
from ucu_mlops.experiments.definition import Experiment
from ucu_mlops.experiments.switches import Switch

TODAY = datetime.now(UTC).date()
USERS = [f"user_{number}" for number in range(60)]
# Version 1 answers 0.5, version 2 sigmoid(2).
FIRST, SECOND = 0.5, 1 / (1 + np.exp(-2.0))


def configure(site, **changed):
    """Write the one experiment's configuration; gives it as servers read it."""
    raw = {
        "model": site.model,
        "variants": {"control": "champion", "candidate": "2"},
        "ramp": {str(TODAY - timedelta(days=1)): 1.0},
        **changed,
    }
    folder = site.folder / "conf/base/parameters"
    folder.mkdir(exist_ok=True)
    whole = {"experiments": {"newer": raw} if changed.get("variants") != {} else {}}
    (folder / "experiments.yml").write_text(json.dumps(whole))
    return Experiment("newer", **raw) if whole["experiments"] else None


def about(*users, x=0.0):
    """Ask about users with features given."""
    features = {"x": x, "place": "UA"}
    return {"instances": [{"user_id": user, "features": features} for user in users]}


def versions_of(server):
    """Ask about everybody: the version that answered, by user."""
    body = server.ask(about(*USERS)).body
    return {user: each["version"] for user, each in zip(USERS, body["predictions"], strict=True)}


def dealt(chosen):
    """Tell the version that each user must get."""
    versions = {"control": "1", "candidate": "2", None: "1"}
    return {user: versions[variant_of(chosen, user, TODAY)] for user in USERS}


@pytest.fixture
def pair(site):
    """A site of two versions, the first of which is champion."""
    site.add("2", scam_draft(2.0))
    return site


def test_entities_get_their_variants_version_and_it_is_recorded(pair):
    """Each user's answer is that of the version dealt, every time; the record names it."""
    chosen = configure(pair)
    wanted = dealt(chosen)
    assert set(wanted.values()) == {"1", "2"}
    with serving(pair) as server:
        server.wait_for(lambda: versions_of(server) == wanted)
        answers = server.ask(about(*USERS)).body["predictions"]
        assert versions_of(server) == wanted
    for user, each in zip(USERS, answers, strict=True):
        expected = FIRST if wanted[user] == "1" else SECOND
        assert each["labels"]["scam"]["probability"] == pytest.approx(expected, abs=1e-6)
    last = {each["entity_id"]: each for each in pair.records()}
    for user in USERS:
        record = last[user]
        assert (record["experiment"], record["shadow"], record["error"]) == ("newer", False, None)
        assert record["variant"] == variant_of(chosen, user, TODAY)
        assert record["version"] == wanted[user]


def test_a_ramp_and_an_end_are_followed_while_it_runs(pair):
    """Nobody, then a part, then all, then nobody again: by editing the file."""
    with serving(pair) as server:
        assert set(versions_of(server).values()) == {"1"}
        for share in (0.3, 1.0):
            chosen = configure(pair, ramp={str(TODAY): share})
            server.wait_for(lambda chosen=chosen: versions_of(server) == dealt(chosen))
        (pair.folder / "conf/base/parameters/experiments.yml").write_text("experiments: {newer: 1}")
        server.wait_for(lambda: "stay as they are" in (pair.folder / "server.log").read_text())
        assert versions_of(server) == dealt(chosen)  # a slip of the pen changes nothing
        configure(pair, ends=str(TODAY - timedelta(days=1)))
        server.wait_for(lambda: set(versions_of(server).values()) == {"1"})
        server.ask(about("somebody"))
    record = next(each for each in pair.records() if each["entity_id"] == "somebody")
    assert record["variant"] == "champion"
    assert "experiment" not in record


def test_a_switch_turns_a_variant_off_and_on_again(pair):
    """Turned off, its users get the champion within a look; turned on, the version again."""
    chosen = configure(pair)
    switches = SqliteSwitches(pair.folder / "data/ledger.db")
    with serving(pair) as server:
        for on in (True, False, True):
            switches.turn(Switch("newer", "candidate", on, "a test", "so", datetime.now(UTC)))
            wanted = dealt(chosen) if on else dict.fromkeys(USERS, "1")
            server.wait_for(lambda wanted=wanted: versions_of(server) == wanted)


@pytest.mark.parametrize("broken", ["absent", "damaged", "probe", "labels", "features"])
def test_who_was_dealt_a_version_that_cannot_answer_gets_the_champion(site, broken):
    """Whatever is wrong with it: 200, and the record and the metrics say so."""
    if broken != "absent":
        draft = scam_draft(float("nan") if broken == "probe" else 2.0)
        manifest = draft.manifest
        if broken == "labels":
            manifest = type(manifest)(
                **{**vars(manifest), "labels": (type(manifest.labels[0])("other", 0.5),)}
            )
        if broken == "features":
            renamed = type(manifest.features[0])("y", "numeric", "messages", "a1")
            manifest = type(manifest)(
                **{**vars(manifest), "features": (renamed, manifest.features[1])}
            )
        site.add("2", Draft(manifest, draft.files))
    if broken == "damaged":
        (site.folder / "data/bundles/scam/2/model.onnx").write_bytes(b"no network")
    chosen = configure(site)
    mine = next(user for user in USERS if variant_of(chosen, user, TODAY) == "candidate")
    with serving(site) as server:
        server.wait_for(
            lambda: (
                server.ask(about(mine)).status == 200
                and 'outcome="fallback"' in server.get("/metrics").body["text"]
            )
        )
        (answer,) = server.ask(about(mine)).body["predictions"]
    assert answer["version"] == "1"
    record = site.records()[-1]
    assert (record["experiment"], record["variant"], record["version"]) == (
        "newer",
        "candidate",
        "1",
    )
    assert record["error"]
    assert record["labels"]["scam"]["probability"] == pytest.approx(FIRST)


def test_a_shadow_is_recorded_and_never_returned(pair):
    """Callers get the champion; beside each record stands the other's, under the same id."""
    configure(pair, shadow=True)
    with serving(pair) as server:
        server.wait_for(lambda: server.ask(about("warm")).status == 200 and shadows(pair))
        answers = server.ask(about(*USERS)).body["predictions"]
        assert {each["version"] for each in answers} == {"1"}
        ids = {each["request_id"] for each in answers}
        server.wait_for(lambda: ids <= {each["request_id"] for each in shadows(pair)})
    real = {each["request_id"]: each for each in pair.records() if not each.get("shadow")}
    for each in shadows(pair):
        assert (each["experiment"], each["variant"], each["version"]) == ("newer", "candidate", "2")
        assert each["labels"]["scam"]["probability"] == pytest.approx(SECOND, abs=1e-6)
        assert each["entity_id"] == real[each["request_id"]]["entity_id"]


def shadows(site):
    """Read what was recorded in the shadow."""
    return [each for each in site.records() if each.get("shadow")]


def test_under_load_shadows_are_dropped_first(tmp_path):
    """With little room no caller is refused for a shadow: shadows are dropped, and counted."""
    site = Site(tmp_path, options={"limits": {"in_flight": 4, "instances": 64}})
    site.publish("1", scam_draft())
    site.add("2", scam_draft(2.0))
    configure(site, shadow=True)
    with serving(site) as server:
        server.wait_for(lambda: server.ask(about("warm")).status == 200 and shadows(site))
        assert server.ask(about(*USERS)).status == 200
        text = server.get("/metrics").body["text"]
    name = 'ucu_serving_experiment_answers_total{experiment="newer",variant="candidate",outcome='
    counts = {
        line.split('outcome="')[1].split('"')[0]: float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith(name)
    }
    assert counts["dropped"] >= len(USERS) - 1
    assert counts["shadow"] >= 1


def test_who_names_a_version_gets_it(pair):
    """A caller that pins the version, by path or message, takes no part."""
    chosen = configure(pair)
    mine = next(user for user in USERS if variant_of(chosen, user, TODAY) == "candidate")
    inputs = [
        {"name": "x", "shape": [1], "datatype": "FP64", "data": [0.0]},
        {"name": "place", "shape": [1], "datatype": "BYTES", "data": ["UA"]},
        {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": [mine]},
    ]
    with serving(pair) as server:
        path = "/v2/models/scam/{}infer"
        asked = {"inputs": inputs}
        server.wait_for(lambda: server.ask(asked, path.format("")).body["model_version"] == "2")
        pinned = server.ask(asked, path.format("versions/1/"))
        assert (pinned.status, pinned.body["model_version"]) == (200, "1")
        request = message("ModelInferRequest")(model_name="scam", model_version="1")
        for name, kind, field, value in (
            ("x", "FP64", "fp64_contents", 0.0),
            ("place", "BYTES", "bytes_contents", b"UA"),
            ("user_id", "BYTES", "bytes_contents", mine.encode()),
        ):
            tensor = request.inputs.add(name=name, datatype=kind, shape=[1])
            getattr(tensor.contents, field).append(value)
        assert server.infer(request.SerializeToString()).model_version == "1"
        request.model_version = "2"
        with pytest.raises(grpc.RpcError, match="not served"):
            server.infer(request.SerializeToString())


def test_pictures_take_part_by_what_they_are(tmp_path):
    """A picture sticks to its variant, whether its bytes come as they are or as base64."""
    site = picture_site(tmp_path)
    (version,) = (site.folder / "data/bundles/images").iterdir()
    shutil.copytree(version, version.with_name("2"))
    configure(site)
    pictures = [jpeg(Image.new("L", (64, 64), shade)) for shade in range(0, 250, 25)]

    def asked(picture):
        given = (
            server.ask(picture, media="image/jpeg"),
            server.ask({"instances": [by_b64(picture)]}),
        )
        return [each.body["predictions"][0]["version"] for each in given]

    with serving(site) as server:
        server.wait_for(lambda: {asked(each)[0] for each in pictures} == {"1", "2"})
        assert all(len(set(asked(each))) == 1 for each in pictures)
    # The first pictures may come before the first look at the experiments.
    assert {each["variant"] for each in site.records()} - {"champion"} == {"control", "candidate"}
