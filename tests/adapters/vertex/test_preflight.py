"""What cannot work on Vertex AI is refused before it costs money, naming node, dataset, remedy."""

from pathlib import Path

import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.pipeline import Node, Pipeline

from ucu_mlops.adapters.vertex.preflight import LONGEST_ARGUMENT, Plan, plan
from ucu_mlops.adapters.vertex.session import open_session
from ucu_mlops.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def context() -> KedroContext:
    """The project in production; a test may change its configuration."""
    with open_session(ROOT, "gcp", {}) as session:
        return session.load_context()


def step(source: str, result: str, *tags: str) -> Node:
    """Return a node that only passes on."""
    return Node(lambda given: given, source, result, name=f"make_{result}", tags=tags)


def planned(monkeypatch: pytest.MonkeyPatch, context: KedroContext, *nodes: Node) -> Plan:
    """Plan a pipeline of these nodes."""
    monkeypatch.setitem(pipelines, "example", Pipeline(nodes))
    return plan(context, "example", {})


def change(context: KedroContext, key: str, **changes: object) -> None:
    """Change one kind of the project's configuration for this test."""
    context.config_loader[key] = {**context.config_loader[key], **changes}


@pytest.mark.parametrize("pipeline", ["scam_daily", "scam_retrain", "__default__"])
def test_what_is_shipped_has_no_known_problem(context, pipeline):
    """The shipped pipelines pass in production's configuration."""
    assert plan(context, pipeline, {"as_of": "2026-03-31"}).problems == ()


def test_a_plan_says_what_would_run(context):
    """Containers, machines, datasets read and written, and what a run costs about."""
    text = "\n".join(plan(context, "scam_daily", {}).lines())
    assert "container features: 2 nodes" in text
    assert "machine    e2-standard-4" in text
    assert "reads      source_tables" in text
    assert "writes     feature_tables, population" in text
    assert "about 0.08 USD a run" in text


def test_an_in_memory_dataset_that_crosses_containers_is_refused(monkeypatch, context):
    """Within a container it may stay in memory; from one to another it would be lost."""
    within = planned(
        monkeypatch, context, step("cases", "loose", "group.a"), step("loose", "cases2", "group.a")
    )
    assert within.problems == ()
    across = planned(
        monkeypatch, context, step("cases", "loose", "group.a"), step("loose", "cases2", "group.b")
    )
    (problem,) = across.problems
    assert problem == (
        "dataset loose is in memory only, but container b (node make_cases2) reads it from"
        " container a; give it an entry in the catalog"
    )


def test_a_local_path_is_refused_in_the_cloud(monkeypatch, context):
    """A file on one container's disk ends with it; at the desk the same is fine."""
    change(context, "catalog", notes={"type": "text.TextDataset", "filepath": "data/notes.txt"})
    nodes = (step("cases", "notes", "group.a"),)
    (problem,) = planned(monkeypatch, context, *nodes).problems
    assert problem == (
        "dataset notes (container a, node make_notes) lies at filepath data/notes.txt, on one"
        " container's disk; give it an address such as gs://… in conf/gcp"
    )
    change(context, "vertexai", places="here")
    assert planned(monkeypatch, context, *nodes).problems == ()


@pytest.mark.parametrize(
    "connection",
    [{"backend": "duckdb", "database": "data/w.duckdb"}, {"tracking_uri": "sqlite:///m.db"}],
    ids=["a warehouse's file", "MLflow's file"],
)
def test_a_local_place_is_found_wherever_it_stands(monkeypatch, context, connection):
    """In the connection of a table, too, and behind the name of a database."""
    change(context, "catalog", notes={"type": "text.TextDataset", "connection": connection})
    (problem,) = planned(monkeypatch, context, step("cases", "notes", "group.a")).problems
    assert problem.startswith("dataset notes (container a, node make_notes) lies at")


def test_a_machine_that_does_not_take_the_accelerator_is_refused(monkeypatch, context):
    """The message names machines that do."""
    groups = context.config_loader["vertexai"]["groups"]
    change(context, "vertexai", groups={**groups, "a": {"accelerator": "NVIDIA_L4"}})
    (problem,) = planned(monkeypatch, context, step("cases", "queue", "group.a")).problems
    assert "group a" in problem
    assert "e2-standard-4 takes 0 of NVIDIA_L4, got 1; take one of ['g2-standard-24'" in problem


def test_an_unknown_machine_is_refused(monkeypatch, context):
    """A misspelt machine would be refused by Vertex AI, minutes later."""
    groups = context.config_loader["vertexai"]["groups"]
    change(context, "vertexai", groups={**groups, "a": {"machine": "e2-standrad-4"}})
    (problem,) = planned(monkeypatch, context, step("cases", "queue", "group.a")).problems
    assert "machine e2-standrad-4 is unknown; take one of" in problem


@pytest.mark.parametrize("uri", [None, ""], ids=["not listed", "without address"])
def test_a_missing_image_is_refused(monkeypatch, context, uri):
    """The message names the container, the image and where it must be named."""
    raw = context.config_loader["vertexai"]
    images = {**raw["images"], **({} if uri is None else {"big": {"uri": uri}})}
    change(context, "vertexai", groups={**raw["groups"], "a": {"image": "big"}}, images=images)
    (problem,) = planned(monkeypatch, context, step("cases", "queue", "group.a")).problems
    assert problem.startswith("container a (node make_queue) has no image: 'big'")
    assert "under images in conf/*/vertexai.yml" in problem


def test_a_node_whose_extra_its_image_lacks_is_refused(monkeypatch, context):
    """Torch is in one image only; the node's tag says that it needs it."""
    node = step("cases", "queue", "group.a", "extra.images")
    (problem,) = planned(monkeypatch, context, node).problems
    assert problem.startswith(
        "node make_queue (container a) needs the extra images, which image tabular lacks"
    )
    groups = context.config_loader["vertexai"]["groups"]
    change(context, "vertexai", groups={**groups, "a": {"image": "torch"}})
    assert planned(monkeypatch, context, node).problems == ()


def test_parameters_that_are_too_large_are_refused(context):
    """No process can be given more than Linux takes as one argument."""
    assert (
        plan(context, "scam_daily", {"source_dir": "x" * (LONGEST_ARGUMENT - 100)}).problems == ()
    )
    (problem,) = plan(context, "scam_daily", {"source_dir": "x" * LONGEST_ARGUMENT}).problems
    assert f"at most {LONGEST_ARGUMENT} are possible; put source_dir into a file" in problem


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"as_of": "tomorrow"}, "--params: as_of must be a date, got 'tomorrow'"),
        ({"asof": "2026-04-01"}, "--params has asof, which no run takes; parameters in"),
    ],
    ids=["type", "name"],
)
def test_parameters_that_no_run_takes_are_refused(context, params, message):
    """Before anything is compiled or sent: the name, what it must be, what there is."""
    (problem,) = plan(context, "scam_daily", params).problems
    assert message in problem


def test_groups_that_need_each_other_are_refused(monkeypatch, context):
    """Two containers cannot each wait for the other; the message says where to change it."""
    nodes = (
        step("cases", "queue", "group.a"),
        step("queue", "scores", "group.b"),
        step("scores", "drift", "group.a"),
    )
    with pytest.raises(ConfigurationError, match=r"example cannot be cut into containers: .*tags"):
        planned(monkeypatch, context, *nodes)
