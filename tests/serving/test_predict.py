"""A running server of features: what it answers, and how it refuses."""

import contextlib
import hashlib
import socket
import time
from http.client import HTTPConnection

import pytest

from tests.serving.sites import Site, scam_draft, serving

UA = {"x": 0.0, "place": "UA"}


def of(*features, **more):
    """Ask about features."""
    return {"instances": [{"features": each} for each in features], **more}


def test_instances_become_predictions_in_their_order(scam):
    """Vertex AI's form: one prediction per instance, with decision, version and a request id."""
    answer = scam.ask(of({"x": -1.0, "place": "UA"}, {"x": None, "place": None}))
    assert answer.status == 200
    first, second = answer.body["predictions"]
    assert first["labels"] == {
        "scam": {"probability": pytest.approx(0.26894143), "decision": False}
    }
    assert second["labels"] == {"scam": {"probability": 0.5, "decision": True}}
    assert first["version"] == "1"
    assert first["request_id"] != second["request_id"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "JSON"),
        (b"{", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        ({}, 400, "instances"),
        ({"instances": []}, 400, "instances"),
        ({"instances": [{}]}, 400, "either a user (user_id, features or both) or an image"),
        ({"instances": [{"features": UA}], "more": 1}, 400, "more"),
        (of({"x": 1.0}), 400, r"lack ['place']"),
        (of(UA | {"y": 1}), 400, r"unknown ['y']"),
        (of({"x": "1", "place": "UA"}), 400, "'x' must be a number"),
        (of({"x": 1, "place": ["UA"]}), 400, "'place' must be text"),
        ({"instances": [{"image": {"b64": ""}}]}, 400, "needs features"),
        (of(UA, parameters={"reasons": True}), 400, "nothing to give reasons by"),
        (of(*[UA] * 65), 413, "64 instances"),
        (b" " * 10_000_001, 413, "10000000 bytes"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_cannot_be_answered_is_refused_in_one_line(scam, body, status, said):
    """The status is 4xx, and the message says what was wrong; no stack trace."""
    answer = scam.ask(body)
    assert answer.status == status
    assert list(answer.body) == ["error"]
    assert said in answer.body["error"]
    assert "\n" not in answer.body["error"]
    assert "Traceback" not in answer.body["error"]


def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(scam):
    """Sent in chunks, 11 MB are refused like 11 MB that were announced."""
    chunks = (b" " * 1_000_000 for _ in range(11))
    connection = HTTPConnection("127.0.0.1", scam.port, timeout=30)
    with contextlib.closing(connection):
        headers = {"Transfer-Encoding": "chunked"}
        connection.request("POST", "/predict", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_a_body_of_another_kind_is_refused(scam):
    """What is neither JSON nor a picture gets 415."""
    assert scam.ask(b"x=1", media="application/x-www-form-urlencoded").status == 415


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/predict", 405)])
def test_other_paths_and_methods_are_refused_in_json(scam, path, status):
    """404 and 405 carry one line, too."""
    answer = scam.get(path)
    assert (answer.status, list(answer.body)) == (status, ["error"])


def test_numbers_that_json_can_spell_and_floats_cannot_hold_are_answered(scam):
    """An integer of 400 digits, and 1e999, count as huge and not as an error."""
    body = b'{"instances": [{"features": {"x": %s, "place": "UA"}}]}'
    for huge in (b"9" * 400, b"1e999", b"-1e308"):
        assert scam.ask(body % huge).status == 200


def test_values_outside_of_what_training_saw_are_counted(scam):
    """Beyond the reference's edges, and words it does not have; null is neither."""
    scam.ask(of({"x": 99.0, "place": "XX"}, {"x": -99.0, "place": None}))
    text = scam.get("/metrics").body["text"]
    for feature, what in (("x", "above"), ("x", "below"), ("place", "unseen")):
        assert f'feature_outside_total{{feature="{feature}",what="{what}"}}' in text


def test_metrics_tell_stages_batches_decisions_versions_and_errors(scam):
    """What a dashboard needs is counted."""
    scam.ask(of(UA))
    scam.ask(b"{")
    text = scam.get("/metrics").body["text"]
    for line in (
        'ucu_serving_requests_total{route="predict",status="200"}',
        'ucu_serving_requests_total{route="predict",status="400"}',
        'ucu_serving_stage_seconds_bucket{stage="whole",le="+Inf"}',
        'ucu_serving_batch_size_count{model="features"}',
        'ucu_serving_decisions_total{version="1",label="scam",decision="true"}',
        'ucu_serving_version_info{version="1"} 1',
        "ucu_serving_in_flight 0",
    ):
        assert line in text


def test_health_is_told_apart_from_life(scam):
    """Alive is the process; ready is a version that answers its probe."""
    assert scam.get("/health/live").body == {"status": "live", "version": None}
    assert scam.get("/health/ready").body == {"status": "ready", "version": "1"}


def test_the_document_names_every_path_and_the_page_shows_it(scam):
    """OpenAPI 3.1 for machines, and the same for people without loading anything from elsewhere."""
    document = scam.get("/openapi.json").body
    assert document["openapi"].startswith("3.1")
    page = scam.get("/docs").body["text"]
    for path, item in document["paths"].items():
        assert path in page
        for method in set(item) & {"get", "post"}:
            assert item[method]["responses"]["200"]["description"]
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_slow_body_is_given_up(tmp_path):
    """A client that sends its body drop by drop gets 504 when its time is over."""
    site = Site(tmp_path, options={"limits": {"timeout_s": 0.3}})
    site.publish("1", scam_draft())
    with serving(site) as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.settimeout(20)
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(1_000).startswith(b"HTTP/1.1 504")
        assert server.ask(of(UA)).status == 200


def test_one_request_more_than_there_is_room_for_is_refused_at_once(tmp_path):
    """429 with Retry-After comes while the others are still being read, and room comes back."""
    site = Site(tmp_path, options={"limits": {"in_flight": 2, "timeout_s": 20}})
    site.publish("1", scam_draft())
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    with serving(site) as server:
        busy = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        for each in busy:
            each.sendall(head)
        server.wait_for(lambda: "in_flight 2" in server.get("/metrics").body["text"])
        refused = server.ask(of(UA))
        assert (refused.status, refused.headers["retry-after"]) == (429, "2")
        for each in busy:
            each.close()
        server.wait_for(lambda: "in_flight 0" in server.get("/metrics").body["text"])
        assert server.ask(of(UA)).status == 200


def test_keys_are_asked_for_where_they_are_set(tmp_path):
    """Without a key, or with another, nobody is answered; the records name the caller."""
    site = Site(tmp_path)
    site.publish("1", scam_draft())
    keys = tmp_path / "keys"
    keys.write_text(f"# who may ask\nbackend {hashlib.sha256(b'secret').hexdigest()}\n")
    with serving(site, UCU_API_KEYS=str(keys)) as server:
        for headers in ({}, {"Authorization": "Bearer other"}, {"X-Api-Key": "sécret"}):
            refused = server.ask(of(UA), headers={k: v.encode() for k, v in headers.items()})
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        for headers in ({"Authorization": "Bearer secret"}, {"X-Api-Key": "secret"}):
            assert server.ask(of(UA), headers=headers).status == 200
    assert [each["caller"] for each in site.records()] == ["backend", "backend"]


def test_a_caller_who_asks_too_often_waits(tmp_path):
    """Beyond the burst a caller gets 429, and is let in again after Retry-After."""
    site = Site(tmp_path, options={"limits": {"per_second": 2.0, "burst": 3}})
    site.publish("1", scam_draft())
    with serving(site) as server:
        answers = [server.ask(of(UA)) for _ in range(20)]
        assert {each.status for each in answers[:3]} == {200}
        refused = next(each for each in answers if each.status == 429)
        time.sleep(int(refused.headers["retry-after"]))
        assert server.ask(of(UA)).status == 200


def test_every_answer_is_recorded_before_it_goes_out(site):
    """The spool holds id, version, inputs and output of what a client was told."""
    with serving(site) as server:
        answer = server.ask({"instances": [{"user_id": "u7", "features": UA}]})
        (told,), (record,) = answer.body["predictions"], site.records()
    assert record["request_id"] == told["request_id"]
    assert (record["model"], record["version"], record["entity_id"]) == ("scam", "1", "u7")
    assert (record["inputs"], record["reference"]) == (UA, "given")
    assert record["labels"]["scam"] == told["labels"]["scam"] | {"threshold": 0.5}
    assert record["latency_ms"] > 0


def test_the_share_of_recorded_inputs_is_kept(tmp_path):
    """With a share of 0 the answer is recorded, and what was given is not."""
    site = Site(tmp_path, options={"records": {"inputs": 0.0}})
    site.publish("1", scam_draft())
    with serving(site) as server:
        server.ask(of(UA))
    assert [each["inputs"] for each in site.records()] == [None]
