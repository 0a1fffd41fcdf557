"""An analyst sees what is declared, what it means, and as which SQL it runs."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ucu_mlops.adapters.sqlite_features import SqliteFeatures

# The plugins' own, where a test runs pipelines: none of it is called by this project.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning:mlflow")


def features(
    checkout: Path, *arguments: str, given: str | None = None
) -> subprocess.CompletedProcess:
    """Run the command as an analyst would."""
    return subprocess.run(
        [sys.executable, "-m", "ucu_mlops", "features", *arguments],
        cwd=checkout,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_names_every_group_and_those_asleep(checkout):
    """Groups come with their source; those of other environments are said to sleep."""
    lines = features(checkout, "list", "--env=ethereum").stdout.splitlines()
    said = {line.split()[0]: line for line in lines}
    assert "from events: " in said["rhythm"]
    assert "source messages is not declared here" in said["messages"]
    awake = [name for name, line in said.items() if "asleep" not in line]
    assert awake == sorted(awake)
    assert "16 used by scam" in features(checkout, "list").stdout


def test_show_explains_a_feature_and_who_uses_it(checkout):
    """The words say aggregate, column, window, what nothing gives, and which model learns it."""
    said = features(checkout, "show", "recipients_7d").stdout
    assert "recipients_7d: distinct of recipient_id, in 7 days" in said
    assert "0 of no event; used by scam" in said
    said = features(checkout, "show", "messages_per_recipient_7d").stdout
    assert "unknown (null) where recipients_7d is 0 or either is unknown" in said
    said = features(checkout, "show", "delay_median_life", "--env=ethereum").stdout
    assert "since_receipt: seconds since the event before where event_type is received" in said


def test_the_sql_gives_what_the_pipeline_stores(checkout, project):
    """Run by hand on the warehouse, it returns the stored rows of the day, value for value."""
    project.run("simulation")
    project.run("features")
    query = features(checkout, "sql", "reports", "--env=test", "--as-of=2026-03-30").stdout
    days = ("--start=2026-03-29", "--end=2026-03-30")
    of_two_days = features(checkout, "sql", "reports", "--env=test", *days).stdout
    with duckdb.connect(str(checkout / "data/warehouse.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        both = set(connection.execute(of_two_days).fetchall())
        by_hand = connection.execute(f"{query.rstrip().rstrip(';')} ORDER BY entity_id").fetchall()
        stored = connection.execute(
            "SELECT entity_id, as_of, COLUMNS(c -> c LIKE 'report%'), definition "
            "FROM features_reports WHERE as_of = DATE '2026-03-30' ORDER BY entity_id"
        ).fetchall()
    assert by_hand == stored
    assert {row for row in both if row[1].isoformat() == "2026-03-30"} == set(stored)
    assert {row[1].isoformat() for row in both} == {"2026-03-29", "2026-03-30"}
    assert len(stored) > 100


def test_dataform_goes_into_a_new_folder_only(checkout, tmp_path):
    """All groups become files; a folder that holds something is left alone."""
    written = tmp_path / "project"
    assert features(checkout, "sql", "--format=dataform", f"--output={written}").returncode == 0
    assert (written / "definitions/features/features_messages.sqlx").is_file()
    again = features(checkout, "sql", "--format=dataform", f"--output={written}")
    assert again.returncode != 0
    assert "is there and not empty; name a new folder" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "mesages"), "did you mean 'messages'?"),
        (("sql", "mesages"), "did you mean 'messages'?"),
        (("sql",), "name a group: kedro features list shows them"),
        (("sql", "reports", "--as-of=today"), "must be a day such as"),
        (("sql", "reports", "--start=2026-03-01"), "several with --start and --end"),
        (("sql", "--format=dataform"), "needs --output=FOLDER"),
        (("sql", "rhythm", "--env=ethereum"), "--source-dir=FOLDER"),
        (("list", "--env=nowhere"), "there is no environment 'nowhere'"),
    ],
    ids=[
        "name",
        "group",
        "no group",
        "day",
        "half a period",
        "no folder",
        "no files",
        "environment",
    ],
)
def test_a_mistake_is_one_line(checkout, arguments, said):
    """What is wrong and what to do stands in the last line."""
    ran = features(checkout, *arguments)
    assert ran.returncode != 0
    assert said in ran.stderr.strip().splitlines()[-1]


def test_a_day_is_published_and_single_values_updated(checkout, project):
    """`publish` says what servers see from now on; `update` takes lines, all of them or none."""
    nothing = features(checkout, "update", "--env=test", given="")
    assert nothing.returncode != 0
    assert "nothing is published; run kedro features publish" in nothing.stderr
    project.run("simulation")
    project.run("features")
    said = features(checkout, "publish", "--env=test", "--as-of=2026-03-30").stdout
    assert "features of 2026-03-30 are published" in said
    good = {"moment": "2026-03-31T09:00:00Z", "features": {"messages_sent_7d": 5}}
    lines = [json.dumps({"entity_id": user, **good}) for user in ("new_1", "new_2")]
    broken = features(checkout, "update", "--env=test", given="\n".join([lines[0], "{"]))
    assert broken.returncode != 0
    assert "line 2: " in broken.stderr.splitlines()[-1]
    online = SqliteFeatures(checkout / "data/04_feature/online.db")
    assert asyncio.run(online.look_up("new_1")) is None
    assert (
        "2 values are updated"
        in features(checkout, "update", "--env=test", given="\n".join(lines)).stdout
    )
    row = asyncio.run(online.look_up("new_2"))
    assert row.values[row.published.places["messages_sent_7d"]] == 5.0


def test_a_day_without_features_is_not_published(checkout, project):
    """A day that nothing is stored of is refused in one line with the remedy."""
    project.run("simulation")
    project.run("features")
    ran = features(checkout, "publish", "--env=test", "--as-of=2026-04-20")
    assert ran.returncode != 0
    assert (
        "run kedro run --pipeline=features --params=as_of=2026-04-20"
        in (ran.stderr.strip().splitlines()[-1])
    )
