"""The real Dataform CLI compiles the project that the declarations are written out as."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from ucu_mlops.features.dataform import Places, dataform_project
from ucu_mlops.features.population import ActiveOptions

ROOT = Path(__file__).parents[2]
DATAFORM = ROOT / ".venv/dataform/node_modules/.bin/dataform"
PLACES = Places("some-project", "EU", "features", "warehouse", "2026-01-01")

pytestmark = pytest.mark.skipif(
    not DATAFORM.exists(),
    reason="no Dataform CLI; install Node.js with npm, then make install-test",
)


@pytest.fixture
def folder(tmp_path, shipped):
    """Write the project of the platform's groups."""
    ours = shipped("base")
    files = dataform_project(ours.declared, ours.tables, ActiveOptions("sessions", 7), PLACES)
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def compiled(folder: Path) -> subprocess.CompletedProcess:
    """Compile as an analyst would, asking for the graph."""
    return subprocess.run(
        [DATAFORM, "compile", folder, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NO_UPDATE_NOTIFIER": "1"},
    )


def test_dataform_compiles_every_group(folder, shipped):
    """Each group is an incremental, partitioned table on the population, with assertions."""
    graph = json.loads(compiled(folder).stdout)
    assert graph.get("graphErrors", {}).get("compilationErrors", []) == []
    tables = {each["target"]["name"]: each for each in graph["tables"]}
    groups = {f"features_{group.name}" for group in shipped("base").declared.groups}
    assert set(tables) == {*groups, "population"}
    messages = tables["features_messages"]
    assert messages["type"] == "incremental"
    assert messages["bigquery"]["partitionBy"] == "as_of"
    needed = {target["name"] for target in messages["dependencyTargets"]}
    assert needed == {"messages", "population"}
    assert "features_messages" in messages["incrementalPreOps"][0]
    described = {
        each["path"][0]: each["description"] for each in messages["actionDescriptor"]["columns"]
    }
    assert described["recipients_7d"] == "distinct of recipient_id, in 7 days"
    assert len(graph["assertions"]) == 2 * len(tables)
    assert {each["target"]["name"] for each in graph["declarations"]} == set(shipped("base").tables)


def test_a_changed_declaration_computes_its_days_anew(folder, shipped):
    """A run goes on after the last row of the current definition."""
    tables = {
        each["target"]["name"]: each for each in json.loads(compiled(folder).stdout)["tables"]
    }
    for group in shipped("base").declared.groups:
        table = tables[f"features_{group.name}"]
        assert f"WHERE definition = '{group.definition}'" in table["incrementalPreOps"][0]
        assert "definition" not in table["preOps"][0]  # the first run has no table to look at
        assert table.get("onSchemaChange", "IGNORE") == "IGNORE"  # a procedure sees no such days
    assert "definition" not in tables["population"]["incrementalPreOps"][0]


def test_dataform_refuses_a_broken_file(folder):
    """A reference to a table that nobody declares is an error: the check can fail."""
    broken = folder / "definitions/population.sqlx"
    broken.write_text(broken.read_text().replace('ref("sessions")', 'ref("session")'))
    ran = compiled(folder)
    assert ran.returncode != 0 or "session" in json.dumps(json.loads(ran.stdout)["graphErrors"])
