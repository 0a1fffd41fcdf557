"""A compiled file is understood or refused, and so is what a run is given."""

import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ucu_mlops.adapters.vertex.specification import (
    Retry,
    Specification,
    Task,
    check_parameters,
    read_specification,
)
from ucu_mlops.adapters.vertex.task import COMMAND, read_arguments
from ucu_mlops.errors import ConfigurationError

TEXT = {"parameterType": "STRING", "isOptional": True}
KINDS = {
    "as_of": ("STRING", "date"),
    "note": ("STRING", "string"),
    "users": ("NUMBER_INTEGER", "integer"),
    "share": ("NUMBER_DOUBLE", "number"),
    "dry": ("BOOLEAN", "boolean"),
    "days": ("LIST", "list"),
    "options": ("STRUCT", "mapping"),
}
SPECIFICATION = Specification("example", {}, KINDS, frozenset())
TASK = Task(
    "score",
    (),
    (
        "timeout",
        "9",
        *COMMAND,
        *("--executor-input", "{{$}}"),
        *("--job", "{{$.pipeline_job_name}}"),
        "--scheduled",
        "{{$.pipeline_job_schedule_time_utc}}",
    ),
    {},
    {name: name for name in KINDS},
    {},
    Retry(),
)
MOMENT = "2026-04-02T06:30:00+00:00"
HANDED_OVER = len(("timeout", "9", *COMMAND))
ANYTHING = st.one_of(
    st.text(),
    st.text("'\" \n\t\\$(){}`;&|<>*?!#~=,", min_size=1),
    st.sampled_from(["it's", '"', "a b", "a\nb", "$(touch x)", "`x`", "${HOME}", "{{$}}", ""]),
)


@given(note=ANYTHING)
def test_text_arrives_as_it_is(note):
    """An apostrophe, a quote, a space, a newline, `$(…)` or else reaches the task whole."""
    given_params = check_parameters(SPECIFICATION, {"note": note})
    arguments = TASK.arguments(given_params, "job-1", MOMENT)
    assert read_arguments(arguments[HANDED_OVER:]) == ({"note": note}, "job-1", MOMENT)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("as_of", "2026-03-31", "2026-03-31"),
        ("as_of", "last-complete-day", "last-complete-day"),
        ("users", "7", 7),
        ("share", "0.5", 0.5),
        ("dry", "true", True),
        ("days", "[1, 2]", [1, 2]),
        ("options", '{"a": 1}', {"a": 1}),
    ],
)
def test_parameters_are_typed(name, text, value):
    """What the command line gives as text becomes what the file says it is."""
    assert check_parameters(SPECIFICATION, {name: text}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("as_of", "tomorrow"),
        ("as_of", "2026-02-30"),
        ("users", "seven"),
        ("users", "true"),
        ("users", "1.5"),
        ("dry", "1"),
        ("days", "{}"),
        ("options", "[]"),
    ],
)
def test_a_wrong_type_is_refused(name, value):
    """The message names the parameter, what it must be and what came."""
    with pytest.raises(
        ConfigurationError, match=rf"{name} must be a .*got {re.escape(repr(value))}"
    ):
        check_parameters(SPECIFICATION, {name: value})


def test_an_unknown_parameter_is_refused():
    """The message says which there are."""
    with pytest.raises(ConfigurationError, match=r"has when, which example does not take; .*as_of"):
        check_parameters(SPECIFICATION, {"when": "2026-03-31"})


def test_a_missing_parameter_is_refused():
    """A file that needs a parameter does not start without it."""
    needy = Specification("example", {}, KINDS, frozenset({"as_of"}))
    with pytest.raises(ConfigurationError, match="example needs --params=as_of="):
        check_parameters(needy, {})


def test_waits_grow_up_to_the_longest():
    """The back-off is the specification's: first, factor, longest."""
    retry = Retry(count=4, first_s=10, factor=2, longest_s=35)
    assert [retry.wait_s(attempt) for attempt in (1, 2, 3, 4)] == [10, 20, 35, 35]


def test_a_file_of_another_version_is_refused(compiled):
    """The message names both versions and the remedy."""
    path = compiled(score={"command": ["true"]})
    path.write_text(path.read_text().replace("ucu-mlops-version: ", "ucu-mlops-version: 9-"))
    with pytest.raises(ConfigurationError, match=r"compiled by version 9-.*, this is .*compile it"):
        read_specification(path)


@pytest.mark.parametrize(
    "text", ["", "- 1", "a: [", "a: 1"], ids=["empty", "list", "torn", "other"]
)
def test_what_is_no_compiled_file_is_refused(tmp_path, text):
    """One line says which file and how to get a good one."""
    path = tmp_path / "file.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"file\.yml .*compile it again"):
        read_specification(path)


def test_a_missing_file_is_refused(tmp_path):
    """So is a file that is not there."""
    with pytest.raises(ConfigurationError, match=r"none\.yml cannot be read"):
        read_specification(tmp_path / "none.yml")


def test_what_is_not_modelled_is_refused(compiled):
    """A placeholder of Vertex AI that is not resolved here is no empty text."""
    path = compiled(score={"command": ["echo", "{{$.pipeline_root}}"]})
    with pytest.raises(ConfigurationError, match=r"score has .*pipeline_root.* not modelled here"):
        read_specification(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(["components", "deploymentSpec", "root"]))
def test_a_file_with_a_part_gone_is_refused(compiled, key):
    """A damaged file ends in one line, not in a traceback."""
    path = compiled(score={"command": ["true"]})
    job = yaml.safe_load(path.read_text())
    del job["pipelineSpec"][key]
    path.write_text(yaml.safe_dump(job))
    with pytest.raises(ConfigurationError, match=f"lacks or misplaces '{key}'"):
        read_specification(path)
