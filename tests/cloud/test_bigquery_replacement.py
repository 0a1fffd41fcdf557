"""How tables lie in BigQuery, what queries carry, and that a save is there whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError
from google.cloud import bigquery

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.bigquery_replacement import _prepare_table, _script, save_all
from ucu_mlops.datasets.bigquery_staging import stage
from ucu_mlops.datasets.table_spec import table_spec
from ucu_mlops.errors import ConfigurationError, WarehouseError

DAY = {"column": "as_of", "start": "2026-01-01", "end": "2026-01-01"}
SCORES = table_spec("scores", ["entity_id", "as_of"], None, DAY, {"model": "scam"})
CASES = table_spec("cases", ["entity_id", "as_of"], None, DAY, {"model": "scam"})


def rows(value, count=3):
    """Make a day's rows that all say ``value``."""
    made = {
        "model": pa.array(["scam"] * count, pa.string()),
        "entity_id": pa.array([f"u{number}" for number in range(count)], pa.string()),
        "as_of": pa.array([date(2026, 1, 1)] * count, pa.date32()),
        "x": pa.array([value] * count, pa.int64()),
    }
    return pa.table(made)


def stored(connection, spec):
    """Return the values that a table holds, each once per row."""
    table = warehouse.connect(connection).table(spec.table)
    return sorted(table.x.to_pyarrow().to_pylist())


def test_a_table_is_partitioned_by_day_and_clustered_by_key(connection):
    """Who asks for a day pays for a day; jobs and tables say whose they are."""
    save_all(connection, {"scores": (SCORES, rows(1))})
    opened = warehouse.connect(connection)
    table = opened.client.get_table(f"{opened.data_project}.{opened.dataset}.scores")
    assert (table.time_partitioning.field, table.time_partitioning.type_) == ("as_of", "DAY")
    assert table.clustering_fields == ["model", "entity_id"]
    assert table.labels == {"team": "moderation"}
    assert sorted(opened.list_tables()) == ["_turns", "scores"]


def test_every_query_has_a_limit_and_labels(connection):
    """A query that would read more than allowed is refused before it costs; its bill has a name."""
    opened = warehouse.connect(connection)
    start = datetime.now(UTC) - timedelta(seconds=1)
    save_all(connection, {"scores": (SCORES, rows(1))})
    opened.table("scores").count().to_pyarrow()
    jobs = list(opened.client.list_jobs(min_creation_time=start))
    queries = [
        job for job in jobs if job.job_type == "query" and connection["dataset_id"] in job.query
    ]
    assert len(queries) >= 4
    assert {job.maximum_bytes_billed for job in queries} == {10**9}
    assert all(job.labels == {"team": "moderation"} for job in queries)


def test_what_fails_before_the_commit_takes_back_both_tables(connection):
    """The transaction's last statement fails: neither table has changed."""
    save_all(connection, {"scores": (SCORES, rows(1)), "cases": (CASES, rows(1))})
    opened = warehouse.connect(connection)
    staged = [stage(opened, spec, rows(2)) for spec in (SCORES, CASES)]
    for each in staged:
        _prepare_table(opened, each)
    script = _script(opened, staged)
    with pytest.raises(BadRequest, match="broken"):
        opened.raw_sql(script.replace("COMMIT", "SELECT ERROR('broken');\nCOMMIT"))
    assert stored(connection, SCORES) == stored(connection, CASES) == [1, 1, 1]
    opened.raw_sql(script)
    assert stored(connection, SCORES) == stored(connection, CASES) == [2, 2, 2]


def test_what_a_killed_save_leaves_expires(connection):
    """Staging tables go by themselves within a day."""
    opened = warehouse.connect(connection)
    left = stage(opened, SCORES, rows(1))
    table = opened.client.get_table(f"{opened.data_project}.{opened.dataset}.{left.name}")
    assert timedelta(0) < table.expires - datetime.now(UTC) <= timedelta(days=1)


def test_of_two_saves_of_an_empty_day_one_commits(connection):
    """One has begun and done all but commit when the other saves: neither finds a row to delete."""
    save_all(connection, {"scores": (SCORES, rows(0, 0))})
    opened = warehouse.connect(connection)
    staged = [stage(opened, SCORES, rows(1))]
    begun, _, commit = _script(opened, staged).rpartition(";\n")
    client, start = opened.client, bigquery.QueryJobConfig(create_session=True)
    session = client.query("SELECT 1", job_config=start)
    session.result()
    named = bigquery.ConnectionProperty("session_id", session.session_info.session_id)
    inside = bigquery.QueryJobConfig(connection_properties=[named])
    client.query(begun, job_config=inside).result()
    save_all(connection, {"scores": (SCORES, rows(2))})
    with pytest.raises(GoogleAPICallError):
        client.query(commit, job_config=inside).result()
    assert stored(connection, SCORES) == [2, 2, 2]


def test_of_saves_at_once_one_is_stored_whole(connection):
    """Whoever was refused was told that nothing was saved."""
    save_all(connection, {"scores": (SCORES, rows(0, 0))})

    def save(value):
        try:
            save_all(connection, {"scores": (SCORES, rows(value, 2000))})
        except WarehouseError as error:
            assert "nothing was saved" in str(error)  # noqa: PT017 (others succeed)
            return None
        return value

    with ThreadPoolExecutor(3) as pool:
        saved = [value for value in pool.map(save, (1, 2, 3)) if value is not None]
    found = stored(connection, SCORES)
    assert len(found) == 2000
    assert set(found) <= set(saved)
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maximum_bytes_billed": None}, r"needs \['maximum_bytes_billed'\]"),
        ({"database": "x"}, r"knows .*, got \['database'\]"),
    ],
    ids=["no limit", "a file"],
)
def test_an_impossible_configuration_is_refused(connection, change, message):
    """No query runs without a limit, and a desk's path is no warehouse in the cloud."""
    with pytest.raises(ConfigurationError, match=message):
        warehouse.connect(connection | change)
