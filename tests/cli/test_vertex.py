"""`kedro vertex` ends in one line that says what is wrong, and with an exit code that is not 0."""

import sys

import pytest
from click.testing import CliRunner, Result

from ucu_mlops.adapters.vertex.specification import VERSION_LABEL, version_label
from ucu_mlops.cli import cli

COMPILED = f"""
displayName: example
labels: {{{VERSION_LABEL}: {version_label()}}}
pipelineSpec:
  components: {{comp-a: {{executorLabel: exec-a}}}}
  deploymentSpec:
    executors: {{exec-a: {{container: {{command: [cat, pyproject.toml]}}}}}}
  root:
    dag: {{tasks: {{a: {{componentRef: {{name: comp-a}}}}}}}}
    inputDefinitions:
      parameters: {{as_of: {{parameterType: STRING, isOptional: true, description: date}}}}
"""


@pytest.fixture
def file(checkout, tmp_path):
    """A compiled file of one task that shows what its folder holds."""
    path = tmp_path / "compiled.yml"
    path.write_text(COMPILED)
    return path


def vertex(*arguments: object) -> Result:
    """Run the command as a terminal would."""
    return CliRunner().invoke(cli, ["vertex", *map(str, arguments)])


def test_a_compiled_file_runs_here(file, tmp_path):
    """Each task finds the project in its folder, as it would in the image."""
    done = vertex("run-local", file, "--params=as_of=2026-03-31", f"--work={tmp_path / 'work'}")
    assert done.exit_code == 0, done.output
    assert 'name = "ucu-mlops"' in (tmp_path / "work/a/attempt-1.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params=as_of=soon"], "as_of must be a date, got 'soon'"),
        (["--params=when=2026-03-31"], "has when, which example does not take"),
        (["--params=as_of"], "must be NAME=VALUE, got 'as_of'"),
    ],
    ids=["wrong type", "unknown", "no value"],
)
def test_a_bad_parameter_is_refused(file, arguments, message):
    """Before any task is started."""
    done = vertex("run-local", file, *arguments)
    assert done.exit_code != 0
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_file_of_another_version_is_refused(file):
    """Its tasks may mean something else by now."""
    file.write_text(COMPILED.replace(version_label(), "0-0-9"))
    done = vertex("run-local", file)
    assert done.exit_code != 0
    assert "compiled by version 0-0-9" in done.output


def test_without_the_plugin_the_remedy_is_named(file, monkeypatch):
    """Compiling needs what `make install-gcp` installs, and says so."""
    monkeypatch.setitem(sys.modules, "kedro_vertexai", None)
    done = vertex("compile", "--pipeline=scam_daily", "--output=x.yml")
    assert done.exit_code != 0
    assert "run make install-gcp" in done.output
