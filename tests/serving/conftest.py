"""A site of one version, and a server that tests share."""

from collections.abc import Iterator

import pytest

from tests.serving.sites import Server, Site, scam_draft, serving


@pytest.fixture
def site(tmp_path) -> Site:
    """A site with one version of ``scam``."""
    made = Site(tmp_path)
    made.publish("1", scam_draft())
    return made


@pytest.fixture(scope="module")
def scam(tmp_path_factory) -> Iterator[Server]:
    """A running server of ``scam``, shared by tests that change nothing."""
    made = Site(tmp_path_factory.mktemp("site"))
    made.publish("1", scam_draft())
    with serving(made) as server:
        yield server
