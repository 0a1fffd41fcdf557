"""A running server of pictures: every way to send one, and every reason to refuse one."""

import base64
import io
import socket
import struct
import threading
import zlib
from datetime import date

import pytest
import segno
from PIL import Image

from tests.serving.sites import picture_site, serving
from ucu_mlops.images.answers import reader_rule
from ucu_mlops.images.labels import parse_labels


def jpeg(image):
    """Write a picture."""
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG")
    return content.getvalue()


def code():
    """Draw a QR code."""
    content = io.BytesIO()
    segno.make("a code").save(content, kind="png", scale=6, border=4)
    return jpeg(Image.open(content))


def plain():
    """Draw nothing."""
    return jpeg(Image.new("L", (200, 100), 90))


def by_b64(content):
    """Spell a picture in JSON."""
    return {"image": {"b64": base64.b64encode(content).decode()}}


def form(*contents):
    """Spell pictures as a form."""
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + each
        for each in contents
    ]
    return b"\r\n".join([*parts, b"--b--\r\n"])


def shown(answer):
    """Tell what was decided of each picture."""
    assert answer.status == 200, answer.body
    return [each["labels"]["qr_code"]["decision"] for each in answer.body["predictions"]]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A running server whose champion are the readers; pictures may lie in its data folder."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "data/pictures").mkdir(parents=True)
    (folder / "data/pictures/code.jpg").write_bytes(code())
    (folder / "data/secret.jpg").write_bytes(code())
    places = [str(folder / "data/pictures")]
    with serving(picture_site(folder, pictures={"side": 64, "places": places})) as server:
        yield server


def test_base64_bytes_and_forms_are_answered_alike(images):
    """One picture in JSON, several, one as it is, several in a form."""
    both = {"instances": [by_b64(code()), by_b64(plain())]}
    assert shown(images.ask(both)) == [True, False]
    assert shown(images.ask(code(), media="image/jpeg")) == [True]
    form_media = "multipart/form-data; boundary=b"
    assert shown(images.ask(form(plain(), code()), media=form_media)) == [False, True]
    inputs = {
        "name": "image",
        "datatype": "BYTES",
        "shape": [1],
        "data": [by_b64(code())["image"]["b64"]],
    }
    inferred = images.ask({"inputs": [inputs]}, "/v2/models/images/infer")
    assert inferred.body["outputs"][1]["data"] == [True]


def test_a_picture_may_be_named_where_pictures_may_lie(images):
    """A URI below an allowed place is read, and the record names it."""
    uri = str(images.site.folder / "data/pictures/code.jpg")
    assert shown(images.ask({"instances": [{"image": {"uri": uri}}]})) == [True]
    assert images.site.records()[-1]["reference"] == uri


@pytest.mark.parametrize(
    "uri",
    [
        "{root}/data/secret.jpg",
        "{root}/data/pictures/../secret.jpg",
        "{root}/data/pictures/%2e%2e/secret.jpg",
        "file://{root}/data/secret.jpg",
        "http://127.0.0.1:1/a.jpg",
        "gs://elsewhere/a.jpg",
        "zip://a.jpg::{root}/data/pictures/code.jpg",
        "{root}/data/pictures/missing.jpg",
        "{root}/data/pictures",
        "\0",
    ],
)
def test_no_other_place_is_read(images, uri):
    """Elsewhere, upwards, other protocols, what is not there: 4xx, and nothing is fetched."""
    named = uri.format(root=images.site.folder)
    assert images.ask({"instances": [{"image": {"uri": named}}]}).status in {400, 422}


def bomb():
    """Write a PNG that would be 40,000 x 40,000 pixels."""

    def chunk(kind, content):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
    return b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not_an_image"),
        (b"GIF89a", "not_an_image"),
        (code()[:-2_000], "truncated"),
        (jpeg(Image.new("L", (4, 4))), "too_small"),
        (bomb(), "too_large"),
    ],
    ids=["empty", "a header", "half", "tiny", "a bomb"],
)
def test_what_is_no_whole_picture_is_refused_with_the_reason(images, content, said):
    """422, the store's own reason, whatever way it came."""
    for answer in (
        images.ask(content, media="image/png"),
        images.ask({"instances": [by_b64(content)]}),
    ):
        assert answer.status == 422
        assert answer.body["error"].startswith(said)


@pytest.mark.parametrize(
    ("body", "media"),
    [
        ({"instances": [{"image": {"b64": "no base64!"}}]}, "application/json"),
        ({"instances": [{"image": {}}]}, "application/json"),
        ({"instances": [{"image": {"b64": "", "uri": "x"}}]}, "application/json"),
        ({"instances": [{"features": {}}]}, "application/json"),
        ({"instances": [by_b64(b"x")], "parameters": {"reasons": True}}, "application/json"),
        (b"--b\r\n\r\nno end", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (form(b"x"), "multipart/form-data"),
    ],
)
def test_requests_that_are_no_pictures_are_refused(images, body, media):
    """400 with one line."""
    answer = images.ask(body, media=media)
    assert (answer.status, list(answer.body)) == (400, ["error"])


def test_one_bad_picture_of_several_refuses_the_request(images):
    """Nobody has to guess which prediction belongs to which picture."""
    answer = images.ask({"instances": [by_b64(code()), by_b64(b"x")]})
    assert answer.status == 422


def test_a_full_queue_refuses_at_once_and_recovers(tmp_path):
    """With room for two pictures most of forty at a time get 429 with Retry-After; none hangs."""
    options = {"waiting": 2, "batch": 2, "gather_ms": 50.0, "threads": 1}
    with serving(picture_site(tmp_path, queue=options)) as server:
        answers, content = [], code()
        threads = [
            threading.Thread(target=lambda: answers.append(server.ask(content, media="image/jpeg")))
            for _ in range(40)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert {each.status for each in answers} == {200, 429}
        refused = [each for each in answers if each.status == 429]
        assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
        assert shown(server.ask(content, media="image/jpeg")) == [True]


def test_the_work_of_a_client_who_left_is_dropped(tmp_path):
    """What waits for its turn when its client leaves is never classified nor recorded."""
    options = {"waiting": 8, "batch": 8, "gather_ms": 3_000.0}
    site = picture_site(tmp_path, queue=options, limits={"timeout_s": 20})
    with serving(site) as server:
        content = code()
        head = (
            f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head.encode() + content)
            server.wait_for(lambda: "queue_depth 1" in server.get("/metrics").body["text"])
        server.wait_for(
            lambda: 'dropped_total{why="cancelled"} 1' in server.get("/metrics").body["text"]
        )
        assert shown(server.ask(content, media="image/jpeg")) == [True]
        assert "queue_depth 0" in server.get("/metrics").body["text"]
    assert len(site.records()) == 1


def test_a_replaced_version_answers_what_it_had_accepted(tmp_path):
    """A picture that waits while another version is swapped in is answered by the one it asked."""
    site = picture_site(tmp_path, queue={"gather_ms": 3_000.0}, limits={"timeout_s": 20})
    labels = parse_labels({"qr_code": {"expert": ["QRCode"], "decides": "union"}})
    site.add("2", reader_rule(labels, date(2026, 4, 2)))
    answers, content = [], code()
    with serving(site) as server:
        asking = threading.Thread(
            target=lambda: answers.append(server.ask(content, media="image/jpeg"))
        )
        asking.start()
        server.wait_for(lambda: "queue_depth 1" in server.get("/metrics").body["text"])
        site.promote("2")
        server.wait_version("2")
        assert answers == []
        asking.join()
    assert shown(answers[0]) == [True]
    assert answers[0].body["predictions"][0]["version"] == "1"
