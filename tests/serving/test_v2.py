"""The Open Inference Protocol over REST."""

import json

import pytest

INFER = "/v2/models/scam/infer"


def tensor(name, data, datatype="FP64", shape=None):
    """Spell an input."""
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def asked(*inputs, **more):
    """Spell a request."""
    return {"inputs": list(inputs), **more}


def binary(name, size, datatype="FP64", rows=2):
    """Spell an input whose data are bytes behind the JSON."""
    parameters = {"binary_data_size": size}
    return {"name": name, "datatype": datatype, "shape": [rows], "parameters": parameters}


X, PLACE = tensor("x", [0.0, None]), tensor("place", ["UA", None], "BYTES")


def test_tensors_become_tensors(scam):
    """A row per row, a column per label; the request's own id comes back."""
    answer = scam.ask(asked(X, PLACE, id="mine"), INFER)
    assert answer.status == 200
    assert (answer.body["id"], answer.body["model_name"], answer.body["model_version"]) == (
        *("mine", "scam"),
        "1",
    )
    outputs = {each["name"]: each for each in answer.body["outputs"]}
    assert outputs["probability"] == tensor("probability", [0.5, 0.5], shape=[2, 1])
    assert outputs["decision"] == tensor("decision", [True, True], "BOOL", [2, 1])
    assert len(set(outputs["request_id"]["data"])) == 2


def test_both_protocols_answer_alike(scam):
    """The same row has the same probability by either."""
    row = {"x": 0.7, "place": "UA"}
    (told,) = scam.ask({"instances": [{"features": row}]}).body["predictions"]
    inputs = asked(tensor("x", [[0.7]], shape=[1, 1]), tensor("place", ["UA"], "BYTES"))
    outputs = scam.ask(inputs, INFER).body["outputs"]
    assert outputs[0]["data"] == [told["labels"]["scam"]["probability"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON"),
        ({"inputs": []}, "inputs"),
        (asked(X), "lack ['place']"),
        (asked(X, tensor("place", ["UA"], "BYTES")), "same number of rows"),
        (asked(X, X), "repeat a name"),
        (asked(tensor("x", [1.0], shape=[2]), PLACE), "shape"),
        (asked(tensor("x", [[1.0, 2.0]], shape=[1, 2])), "shape"),
        (asked(tensor("x", [{}, []]), PLACE), "shape"),
        (asked(X, tensor("place", [1, 2], "BYTES")), "must hold strings"),
        (asked(tensor("x", [1.0], "COMPLEX")), "datatype"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_tensors_that_do_not_fit_are_refused(scam, body, said):
    """400 with one line."""
    answer = scam.ask(body, INFER)
    assert answer.status == 400
    assert said in answer.body["error"]


@pytest.mark.parametrize(
    ("head", "raw", "length", "said"),
    [
        ({}, b"", "x", "length of the JSON"),
        ({}, b"", "9999", "length of the JSON"),
        ({"inputs": [{"name": "x", "shape": [1], "datatype": "FP64"}]}, b"", None, "needs either"),
        (asked(binary("x", 16), PLACE), b"\0" * 8, None, "ends behind the body"),
        (asked(binary("x", 8), PLACE), b"\0" * 9, None, "belong to no input"),
        (asked(binary("x", 7), PLACE), b"\0" * 7, None, "no whole FP64"),
        (asked(X, binary("place", 8, "BYTES")), b"\xff\0\0\0UA", None, "ends behind"),
        (asked(X, binary("place", 5, "BYTES", 1)), b"\1\0\0\0\xff", None, "number of rows"),
        (asked(tensor("x", [0.0]), binary("place", 5, "BYTES", 1)), b"\1\0\0\0\xff", None, "UTF-8"),
        (asked(X, PLACE, outputs=[{"name": "more"}]), b"", None, "output 'more' is unknown"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_bytes_that_do_not_fit_are_refused(scam, head, raw, length, said):
    """Binary tensors that are too long, too short or no text: 400 with one line."""
    content = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": length or str(len(content))}
    answer = scam.ask(content + raw, INFER, headers=headers)
    assert answer.status == 400
    assert said in answer.body["error"]


@pytest.mark.parametrize("path", ["/v2/models/images", "/v2/models/scam/versions/9"])
def test_another_model_or_version_is_not_served(scam, path):
    """404 for its metadata, readiness and inferences."""
    assert scam.get(path).status == 404
    assert scam.get(f"{path}/ready").status == 404
    assert scam.ask(asked(X, PLACE), f"{path}/infer").status == 404


def test_metadata_name_what_may_be_asked(scam):
    """The tensors that the metadata name are those that are answered."""
    assert scam.get("/v2").body["name"] == "ucu-mlops"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/scam/ready"):
        assert scam.get(path).status == 200
    found = scam.get("/v2/models/scam/versions/1").body
    assert (found["versions"], found["parameters"]) == (["1"], {"labels": ["scam"]})
    empty = [tensor(each["name"], [None], each["datatype"]) for each in found["inputs"]]
    outputs = scam.ask(asked(*empty), INFER).body["outputs"]
    described = [(each["name"], each["datatype"]) for each in found["outputs"]]
    assert [(each["name"], each["datatype"]) for each in outputs] == described
