"""Whatever a stranger sends, the server's answer is no fault of its own."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.malformed import malformed
from tests.serving.sites import picture_site, serving
from tests.torture.serving import send_messages
from ucu_mlops.serving.bodies import files_of


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A running server of pictures."""
    with serving(picture_site(tmp_path_factory.mktemp("site"))) as server:
        yield server


@pytest.mark.parametrize("model", ["scam", "images"])
@pytest.mark.parametrize("first", [0, 100, 200])
def test_no_malformed_body_gets_a_5xx(request, model, first):
    """100 broken or mistaken bodies by seed: each is answered or refused, and the server lives."""
    server = request.getfixturevalue(model)
    for seed in range(first, first + 100):
        path, media, body = malformed(seed, model)
        answer = server.ask(body, path, media)
        assert answer.status < 500, (seed, path, media, body, answer.body)
        assert answer.status == 200 or list(answer.body) == ["error"]
    assert server.get("/health/ready").status == 200


@pytest.mark.parametrize("model", ["scam", "images"])
def test_no_malformed_message_is_a_fault(request, model):
    """300 broken messages by gRPC: none ends in a code for the server's own fault; it lives."""
    server = request.getfixturevalue(model)
    counts = send_messages(server, model, 300)
    assert sum(counts.values()) == 300
    assert counts["INVALID_ARGUMENT"] > 100
    assert server.get("/health/ready").status == 200


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=300), media=st.sampled_from(["application/json", "image/png", "x"]))
def test_no_bytes_at_all_get_a_5xx(scam, body, media):
    """Any bytes under any media type are refused with 4xx."""
    assert 400 <= scam.ask(body, media=media).status < 500


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=50).filter(lambda each: b"--b" not in each), min_size=1))
def test_a_form_gives_its_files_as_they_were(contents):
    """Line breaks at their ends, empty files and any bytes survive."""
    head = b'--b\r\nContent-Disposition: form-data; name="i"; filename="a"\r\n\r\n'
    body = b"".join(head + each + b"\r\n" for each in contents) + b"--b--\r\n"
    assert list(files_of(body, "multipart/form-data; boundary=b")) == contents
