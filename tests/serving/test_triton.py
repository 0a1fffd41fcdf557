"""The Open Inference Protocol by its own client, over REST and gRPC: tensors as bytes."""

import hashlib
import struct

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import InferenceServerException

from tests.serving.sites import Site, picture_site, scam_draft, serving
from tests.serving.test_pictures import code, plain
from ucu_mlops.adapters.inference_protocol import message
from ucu_mlops.serving.binary import NUMBERS, from_bytes, to_bytes
from ucu_mlops.serving.problems import BadRequestProblem

KINDS = ("http", "grpc")


def client_of(server, kind):
    """Open the protocol's client."""
    if kind == "http":
        return tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.port}")
    return tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc_port}")


def inputs_of(kind, **columns):
    """Spell columns as the client's inputs; text becomes BYTES."""
    library = {"http": tritonclient.http, "grpc": tritonclient.grpc}[kind]
    inputs = []
    for name, values in columns.items():
        array = np.array(values, dtype=object if isinstance(values[0], str | bytes) else None)
        datatype = "BYTES" if array.dtype == object else f"FP{array.dtype.itemsize * 8}"
        made = library.InferInput(name, list(array.shape), datatype)
        made.set_data_from_numpy(array)
        inputs.append(made)
    return inputs


@pytest.mark.parametrize("kind", KINDS)
def test_the_client_sees_a_live_server_and_its_model(scam, kind):
    """Live, ready, the model's tensors: by both ways the same."""
    client = client_of(scam, kind)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("scam", "1")
    as_json = {} if kind == "http" else {"as_json": True}
    assert client.get_server_metadata(**as_json)["name"] == "ucu-mlops"
    found = client.get_model_metadata("scam", "1", **as_json)
    assert [each["name"] for each in found["inputs"]] == ["x", "place"]
    assert [each["datatype"] for each in found["inputs"]] == ["FP64", "BYTES"]
    outputs = [each["name"] for each in found["outputs"]]
    assert outputs == ["probability", "decision", "request_id", "version"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_the_client_gets_what_json_gets(scam, kind, number):
    """Probabilities, decisions and ids of two users equal those of the JSON way; NaN is unknown."""
    rows = [{"x": 0.5, "place": "UA"}, {"x": None, "place": "LV"}]
    told = scam.ask({"instances": [{"features": each} for each in rows]}).body["predictions"]
    inputs = inputs_of(kind, x=np.array([0.5, np.nan], number), place=["UA", "LV"])
    result = client_of(scam, kind).infer("scam", inputs, request_id="mine")
    labels = [each["labels"]["scam"] for each in told]
    assert result.as_numpy("probability").tolist() == [[each["probability"]] for each in labels]
    assert result.as_numpy("decision").tolist() == [[each["decision"]] for each in labels]
    ids = [each.decode() for each in result.as_numpy("request_id")]
    records = {each["request_id"]: each for each in scam.site.records()}
    assert [records[each]["inputs"]["place"] for each in ids] == ["UA", "LV"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_wished_outputs_come(scam, kind):
    """Of the outputs those that are asked for."""
    library = {"http": tritonclient.http, "grpc": tritonclient.grpc}[kind]
    result = client_of(scam, kind).infer(
        "scam",
        inputs_of(kind, x=[0.0], place=["UA"]),
        outputs=[library.InferRequestedOutput("decision")],
    )
    assert result.as_numpy("decision").tolist() == [[True]]
    assert result.as_numpy("probability") is None


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_come_as_bytes(tmp_path, kind):
    """A picture needs no base64: a code is found, an empty one is not, in one request."""
    with serving(picture_site(tmp_path)) as server:
        inputs = inputs_of(kind, image=[code(), plain()])
        result = client_of(server, kind).infer("images", inputs)
    assert result.as_numpy("decision").tolist() == [[True], [False]]


@pytest.mark.parametrize(
    ("model", "version", "columns", "code_name", "said"),
    [
        ("images", "", {"x": [0.0]}, "NOT_FOUND", "not served here"),
        ("scam", "9", {"x": [0.0]}, "NOT_FOUND", "not served here"),
        ("scam", "", {"x": [0.0]}, "INVALID_ARGUMENT", "lack ['place']"),
        ("scam", "", {"x": [0.0], "place": ["UA", "LV"]}, "INVALID_ARGUMENT", "number of rows"),
        ("scam", "", {"x": ["a"], "place": ["UA"]}, "INVALID_ARGUMENT", "must be a number"),
    ],
)
def test_refusals_are_status_codes(scam, model, version, columns, code_name, said):
    """What HTTP refuses gRPC refuses in the same words, with the code that fits."""
    with pytest.raises(InferenceServerException) as caught:
        client_of(scam, "grpc").infer(model, inputs_of("grpc", **columns), model_version=version)
    assert caught.value.status() == f"StatusCode.{code_name}"
    assert said in caught.value.message()


def test_typed_contents_are_read_as_bytes_are(scam):
    """A client without raw bytes puts values into typed contents."""
    request = message("ModelInferRequest")(model_name="scam", id="7")
    request.inputs.add(name="x", datatype="FP64", shape=[1], contents={"fp64_contents": [1.0]})
    request.inputs.add(
        name="place", datatype="BYTES", shape=[1], contents={"bytes_contents": [b"UA"]}
    )
    answer = scam.infer(request.SerializeToString())
    assert answer.id == "7"
    assert from_bytes("", "FP64", answer.raw_output_contents[0]) == [pytest.approx(0.7310586)]


@pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"{}", b"\x2a\x02\x0a\x00"])
def test_a_message_that_is_none_is_refused(scam, content):
    """Neither bytes that are no message nor an empty one end the server or are its fault."""
    with pytest.raises(grpc.RpcError) as caught:
        scam.infer(content)
    assert caught.value.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}


def test_grpc_asks_for_keys_and_limits_callers(tmp_path):
    """Keys come as metadata; who asks too often is told when to come back; both are counted."""
    digest = hashlib.sha256(b"secret").hexdigest()
    (tmp_path / "keys").write_text(f"backend {digest}\n")
    site = Site(tmp_path, options={"limits": {"per_second": 0.01, "burst": 1}})
    site.publish("1", scam_draft())
    with serving(site, UCU_API_KEYS=str(tmp_path / "keys")) as server:
        request = message("ModelInferRequest")(model_name="scam")
        request.inputs.add(name="x", datatype="FP64", shape=[1], contents={"fp64_contents": [1.0]})
        request.inputs.add(
            name="place", datatype="BYTES", shape=[1], contents={"bytes_contents": [b"UA"]}
        )
        content, key = request.SerializeToString(), (("authorization", "Bearer secret"),)
        with pytest.raises(grpc.RpcError) as unknown:
            server.infer(content)
        assert unknown.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert server.infer(content, key).model_name == "scam"
        with pytest.raises(grpc.RpcError) as busy:
            server.infer(content, key)
        assert busy.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(busy.value.trailing_metadata())["retry-after"]) > 0
        metrics = server.get("/metrics").body["text"]
    (record,) = site.records()
    assert record["caller"] == "backend"
    for status in ("200", "401", "429"):
        assert f'requests_total{{route="grpc",status="{status}"}} 1' in metrics


def test_a_message_beyond_the_limit_is_not_read(tmp_path):
    """Larger than `limits.body_bytes` it is refused; the server goes on."""
    site = Site(tmp_path, options={"limits": {"body_bytes": 10_000}})
    site.publish("1", scam_draft())
    with serving(site) as server:
        with pytest.raises(grpc.RpcError) as caught:
            server.infer(b"\0" * 20_000)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert client_of(server, "grpc").is_server_ready()


NUMERIC = st.sampled_from(sorted(set(NUMBERS) - {"BOOL"}))


@given(NUMERIC, st.lists(st.integers(0, 100)))
def test_numbers_survive_as_bytes(datatype, values):
    """Of every datatype what is written is read again."""
    assert from_bytes("x", datatype, to_bytes(datatype, values)) == values


@given(st.lists(st.text()))
def test_texts_survive_as_bytes(values):
    """Each element has its own length, whatever is in it."""
    found = from_bytes("x", "BYTES", to_bytes("BYTES", values))
    assert [each.decode() for each in found] == values


@given(st.binary())
def test_any_bytes_are_elements_or_refused(raw):
    """Bytes that are no whole elements are refused, and never read beyond their end."""
    try:
        found = from_bytes("x", "BYTES", raw)
    except BadRequestProblem:
        return
    assert b"".join(struct.pack("<I", len(each)) + each for each in found) == raw
