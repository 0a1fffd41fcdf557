"""Whatever Vertex AI does to single calls, what is read back is what was logged."""

import random
import threading
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException

from standins.vertex.faults import Fault
from ucu_mlops.adapters.vertex_client import Patience
from ucu_mlops.adapters.vertex_mlflow.registry_store import VertexRegistryStore
from ucu_mlops.adapters.vertex_mlflow.tracking_store import VertexTrackingStore

SHARE = 0.4  # of calls that go wrong
HASTY = Patience(first_s=0.001, longest_s=0.01, deadline_s=20.0)
FAULTS = (Fault.UNAVAILABLE, Fault.QUOTA, Fault.LOST)
SLOWLY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = st.sampled_from(["a", "b", "loss/val"])
POINTS = st.builds(
    Metric,
    NAMES,
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 5),
    st.integers(0, 3),
)
BATCHES = st.tuples(
    st.lists(POINTS, max_size=8),
    st.dictionaries(NAMES, st.text(min_size=1, max_size=20), max_size=2),
    st.dictionaries(NAMES, st.text(max_size=20), max_size=2),
)


@pytest.fixture(autouse=True)
def healed(stand_in):
    """Let no fault outlive its test."""
    yield
    stand_in.faults.heal()


def at_random(seed: int):
    """Return what lets calls go wrong at random."""
    drawn = random.Random(seed)  # noqa: S311 (faults, no secrets)
    return lambda _method: drawn.choice(FAULTS) if drawn.random() < SHARE else None


@SLOWLY
@given(batches=st.lists(BATCHES, max_size=6), seed=st.integers(0, 2**32))
def test_what_is_read_back_is_what_was_logged(stand_in, vertex_uri, batches, seed):
    """Points, params, tags and status are whole, with four calls in ten going wrong."""
    store = VertexTrackingStore(vertex_uri, patience=HASTY)
    stand_in.faults.choose = at_random(seed)
    experiment = store.create_experiment(f"faults {uuid.uuid4().hex}")
    run = store.create_run(experiment, "ann", 1, [], "run").info.run_id
    points, params, tags = set(), {}, {"mlflow.runName": "run"}
    for metrics, given_params, given_tags in batches:
        fresh = {key: value for key, value in given_params.items() if key not in params}
        store.log_batch(
            run,
            metrics,
            [Param(key, value) for key, value in fresh.items()],
            [RunTag(key, value) for key, value in given_tags.items()],
        )
        points |= {(each.key, each.step, each.timestamp, repr(each.value)) for each in metrics}
        params, tags = {**params, **fresh}, {**tags, **given_tags}
    store.update_run_info(run, RunStatus.FINISHED, 9, None)
    # Another process has nothing in memory.
    other = VertexTrackingStore(vertex_uri, patience=HASTY)
    found = other.get_run(run)
    assert found.data.params == params
    assert found.data.tags == tags
    assert (found.info.status, found.info.end_time) == ("FINISHED", 9)
    history = [each for name in found.data.metrics for each in other.get_metric_history(run, name)]
    read = [(each.key, each.step, each.timestamp, repr(each.value)) for each in history]
    assert sorted(read) == sorted(points)


@SLOWLY
@given(versions=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_no_version_is_made_twice(stand_in, vertex_uri, versions, seed):
    """A registered model has as many versions as were asked for, and its alias is the last one."""
    registry = VertexRegistryStore(vertex_uri, patience=HASTY)
    stand_in.faults.choose = at_random(seed)
    name = f"faults {uuid.uuid4().hex}"
    registry.create_registered_model(name)
    for i in range(versions):
        made = registry.create_model_version(
            name, f"file:///x/{i}", tags=[ModelVersionTag("sha", str(i))]
        )
        registry.set_registered_model_alias(name, "champion", made.version)
    stand_in.faults.heal()
    found = registry.search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])
    assert [(str(each.version), each.source, each.tags) for each in found] == [
        (str(i + 1), f"file:///x/{i}", {"sha": str(i)}) for i in range(versions)
    ]
    assert registry.get_registered_model(name).aliases == {"champion": versions}
    stand_in.faults.choose = at_random(seed + 1)
    for each in found:
        registry.delete_model_version(name, each.version)
    stand_in.faults.heal()
    assert not registry.search_model_versions(f"name = '{name}'")
    assert registry.get_registered_model(name).aliases == {}


def test_a_run_goes_on_while_metadata_is_away(stand_in, vertex_uri):
    """Logging neither waits nor fails while nothing answers; afterwards nothing is missing."""
    store = VertexTrackingStore(vertex_uri, patience=HASTY)
    run = store.create_run(store.create_experiment("away"), "ann", 1, [], "run").info.run_id
    store.log_metric(run, Metric("loss", 1.0, 1, 0))
    stand_in.faults.away = True
    for step in range(1, 500):
        store.log_metric(run, Metric("loss", 1.0 / step, step, step))
        store.log_batch(run, [], [Param(f"p{step}", "x")], [RunTag("last", str(step))])
    back = threading.Timer(1.0, stand_in.faults.heal)
    back.start()
    store.update_run_info(run, RunStatus.FINISHED, 9, None)  # waits until it is back
    back.join()
    found = VertexTrackingStore(vertex_uri).get_run(run)
    assert (found.info.status, found.data.tags["last"]) == ("FINISHED", "499")
    assert len(found.data.params) == 499
    assert len(VertexTrackingStore(vertex_uri).get_metric_history(run, "loss")) == 500


def test_away_too_long_is_said_in_one_line_and_nothing_is_forgotten(stand_in, vertex_uri):
    """Past the deadline what needs an answer fails; what was logged is written later."""
    short = Patience(first_s=0.001, longest_s=0.01, deadline_s=0.2)
    store = VertexTrackingStore(vertex_uri, patience=short)
    run = store.create_run(store.create_experiment("long"), "ann", 1, [], "run").info.run_id
    store.log_batch(run, [], [], [])
    stand_in.faults.away = True
    store.log_metric(run, Metric("loss", 0.5, 1, 0))
    with pytest.raises(MlflowException, match="Vertex AI did not do get_run") as caught:
        store.get_run(run)
    assert caught.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert "\n" not in caught.value.message
    stand_in.faults.heal()
    assert store.get_run(run).data.metrics == {"loss": 0.5}


def test_a_refusal_is_not_tried_again(stand_in, vertex_uri):
    """Without the permission nothing is waited for."""
    store = VertexTrackingStore(vertex_uri, patience=HASTY)
    stand_in.faults.order("GetContext", Fault.DENIED)
    before = stand_in.faults.calls["GetContext"]
    with pytest.raises(MlflowException) as caught:
        store.get_experiment_by_name("denied")
    assert caught.value.error_code == "PERMISSION_DENIED"
    assert stand_in.faults.calls["GetContext"] == before + 1


def test_two_processes_may_log_into_one_run(stand_in, vertex_uri):
    """Each writes only where nobody wrote since it read: neither loses a point of the other."""
    stores = [VertexTrackingStore(vertex_uri, patience=HASTY) for _ in range(2)]
    experiment = stores[0].create_experiment("shared")
    run = stores[0].create_run(experiment, "ann", 1, [], "run").info.run_id

    def log(rank: int) -> None:
        for step in range(30):
            stores[rank].log_metric(run, Metric(f"loss/{rank}", float(step), step, step))
            stores[rank].flush()

    ranks = [threading.Thread(target=log, args=(rank,)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    for rank in range(2):
        assert len(stores[0].get_metric_history(run, f"loss/{rank}")) == 30
