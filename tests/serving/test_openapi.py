"""What the OpenAPI document promises holds: thousands of requests made from it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ucu_mlops.serving.openapi import document

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (method, path)
    for path, item in document("/predict", "/health/ready", "scam")["paths"].items()
    for method in item
    if method != "parameters"
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_the_document_allows(scam, method, path):
    """No request gets a 5xx, or a status, media type or body that the document does not name."""
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{scam.port}/openapi.json")
    asked = []

    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy())
    def ask(case):
        asked.append(case.call_and_validate(checks=CHECKS).status_code)

    ask()
    assert asked
    assert max(asked) < 500
