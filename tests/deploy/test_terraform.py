"""The infrastructure gives each account what it needs to be named and no role that is broad."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

hcl2 = pytest.importorskip("hcl2", reason="make install-test installs it")

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "deploy/terraform"
FILES = sorted(TERRAFORM.glob("*.tf"))
ACCESS = yaml.safe_load((TERRAFORM / "access.yml").read_text())
BROAD = re.compile(r"roles/(owner|editor|viewer)|.*[aA]dmin|.*\.securityAdmin")
ACCOUNT = re.compile(r"([a-z0-9-]+)@[a-z0-9-]+\.iam\.gserviceaccount\.com")
REFERENCE = re.compile(r"\b(google_\w+)\.(\w+)\b")


def blocks(kind):
    """Return the blocks of a kind: each with its labels and its body."""
    for file in FILES:
        with file.open() as text:
            for block in hcl2.load(text).get(kind, []):
                yield from block.items()


def unquoted(name):
    """Return a label as it is named: some versions of the parser keep its quotes."""
    return name.strip('"')


def resources():
    """Return the resources: type and name."""
    return {
        (unquoted(kind), unquoted(name))
        for kind, named in blocks("resource")
        for name in named
        if not name.startswith("__")
    }


def roles():
    """Return every role that is given, wherever it is written."""
    text = "\n".join(file.read_text() for file in (*FILES, TERRAFORM / "access.yml"))
    return set(re.findall(r"roles/[\w.]+", text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_is_terraforms_language(file):
    """It parses; a brace or quote that is missing is found without a cloud."""
    with file.open() as text:
        assert hcl2.load(text)


def test_what_is_referred_to_is_there():
    """A resource that was renamed in one place only is found."""
    known = resources()
    text = "\n".join(file.read_text() for file in FILES)
    referred = {each for each in REFERENCE.findall(text) if each[0] != "google_"}
    assert referred <= known, referred - known


def test_variables_and_locals_are_declared():
    """Nothing reads what nobody says."""
    text = "\n".join(file.read_text() for file in FILES)
    declared = {unquoted(name) for name, _ in blocks("variable")}
    assert set(re.findall(r"\bvar\.(\w+)", text)) <= declared
    known = {
        name
        for file in FILES
        for block in hcl2.loads(file.read_text()).get("locals", [])
        for name in block
    }
    assert set(re.findall(r"\blocal\.(\w+)", text)) <= {unquoted(name) for name in known}


def test_no_role_is_broad():
    """Neither owner nor editor, nor anything that administers."""
    given = roles()
    assert "roles/aiplatform.user" in given
    assert not [role for role in given if BROAD.fullmatch(role)]


def test_only_named_accounts_exist_and_all_that_are_named():
    """conf/gcp and the DAGs name accounts; each is made here."""
    named = {
        account
        for file in (*(ROOT / "conf/gcp").glob("*.yml"), ROOT / "dags/settings.yml")
        for account in ACCOUNT.findall(file.read_text())
    }
    assert {"pipelines", "scoring", "training"} <= named
    assert named <= set(ACCESS["accounts"])


def test_who_acts_as_whom_is_an_account():
    """And nobody acts as itself, or as who acts as others."""
    accounts = ACCESS["accounts"]
    for name, account in accounts.items():
        for other in account.get("acts_as", []):
            assert other in accounts
            assert other != name
            assert "acts_as" not in accounts[other]


def test_nobody_but_people_writes_over_the_ledger():
    """Pipelines that move the champion may add a move, and only that."""
    for name in ("scoring", "training"):
        folders = ACCESS["accounts"][name]["folders"]
        assert folders["06_models/ledger"] == "add"
        assert folders.get("06_models") != "write"
    assert "roles/storage.objectUser" not in ACCESS["storage_roles"]["add"]


def test_the_data_are_audited_and_the_buckets_closed():
    """Reads and writes of registry, warehouse and objects; no bucket is public."""
    text = (TERRAFORM / "watching.tf").read_text()
    audited = re.search(r"for_each = toset\(\[(.*?)\]\)", text)[1]
    services = {"aiplatform.googleapis.com", "bigquery.googleapis.com", "storage.googleapis.com"}
    assert set(re.findall(r'"(.*?)"', audited)) == services
    assert {"DATA_READ", "DATA_WRITE"} <= set(re.findall(r'log_type = "(\w+)"', text))
    places = (TERRAFORM / "places.tf").read_text()
    buckets = places.count('resource "google_storage_bucket"')
    assert places.count('public_access_prevention    = "enforced"') == buckets


def test_it_is_written_as_terraform_writes_it():
    """`terraform fmt` has nothing to change."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive"],  # noqa: S607 (the reader's own)
        check=False,
        cwd=TERRAFORM,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
