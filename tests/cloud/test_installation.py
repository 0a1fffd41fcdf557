"""kedro-vertexai beside newer libraries than it asks for: known complaints and no others."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

# It was tried with these (docs/adr/0009); whatever else pip finds is a mistake in the lock.
EXPECTED = {
    ("kedro-vertexai", "cachetools<6.0,>=3.0"),
    ("kedro-vertexai", "google-cloud-storage<3.0.0"),
    ("kedro-vertexai", "kfp<2.9.0,>=2.0.0"),
    ("kedro-vertexai", "mlflow<3.0,>=2.14.3"),
}


def test_pip_complains_of_what_is_known_and_of_nothing_else():
    """`pip check` lists the four upper bounds that kedro-vertexai sets too low."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], check=False, capture_output=True, text=True
    )
    complaint = re.compile(r"(\S+) \S+ has requirement (\S+), but you have \S+ \S+\.")
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    matches = [complaint.fullmatch(line) for line in lines]
    assert None not in matches, lines
    assert {(match[1], match[2]) for match in matches} == EXPECTED


def test_the_plugin_is_the_one_that_is_extended():
    """What is subclassed and replaced is kedro-vertexai 1.0.0, over an SDK before 2."""
    assert version("kedro-vertexai") == "1.0.0"
    assert version("google-cloud-aiplatform").startswith("1.")
