"""Bad input ends in one line that says what, where and what to do; nothing is lost."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest


def kedro(checkout: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the kedro command on the tiny environment, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def last_line(ran: subprocess.CompletedProcess) -> str:
    """Return the last line that a person sees."""
    return ran.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def past(checkout: Path) -> Path:
    """Make the tiny platform's past, and what a daily run needs."""
    ran = kedro(checkout, "run", "--env=test")
    assert ran.returncode == 0, ran.stderr[-2000:]
    return checkout


def rows(checkout: Path, query: str) -> list[tuple]:
    """Ask the warehouse."""
    with duckdb.connect(str(checkout / "data/warehouse.duckdb")) as connection:
        return connection.execute(query).fetchall()


def test_a_day_that_is_none(checkout):
    """A mistyped date names the parameter before any node runs."""
    ran = kedro(checkout, "run", "--env=test", "--pipelines=features", "--params=as_of=tomorrow")
    assert ran.returncode != 0
    assert "must be a day such as 2026-03-31, got 'tomorrow'" in last_line(ran)


@pytest.mark.parametrize(
    "command",
    [
        ("loop", "day", "scam", "--as-of=2062-04-01"),
        ("run", "--pipeline=scam_daily", "--params=as_of=2062-04-01"),
    ],
    ids=["loop day", "scam_daily"],
)
def test_a_day_that_cannot_be_complete(past, command):
    """A day far beyond the last known one is refused, and leaves no decision behind."""
    ran = kedro(past, *command, "--env=test")
    assert ran.returncode != 0
    assert (
        "2062-04-01 cannot be complete: the last day with arrivals or a decision is 2026-03-31"
        in (last_line(ran))
    )
    assert rows(past, "SELECT count(*) FROM decisions WHERE as_of > DATE '2030-01-01'") == [(0,)]


def test_a_misspelt_parameter(checkout):
    """A parameter that nothing reads is refused: ignored, the default history would be run."""
    ran = kedro(checkout, "run", "--env=test", "--pipelines=features", "--params=as_off=2026-03-31")
    assert ran.returncode != 0
    assert last_line(ran).endswith("--params has as_off, which nothing reads; did you mean as_of?")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("drfit: {scam: {floor: 1}}", "sets drfit, which nothing reads; did you mean drift?"),
        ("drift: {scma: {floor: 1}}", "sets drift.scma, which nothing reads; did you mean drift.s"),
        ("drift: {scam: {floor: 1}}\ndrift: {}", "found duplicate key drift"),
        ("drift: {scam: {floor: 1}}\ndrift: {}", "conf/local/parameters/own.yml"),
        ("training: {scam: {balancng: none}}", "has no 'balancng'; did you mean balancing?"),
    ],
    ids=[
        *("a misspelt file's key", "a misspelt model", "a key twice"),
        *("a key twice, and where", "a misspelt option"),
    ],
)
def test_a_parameter_file_that_sets_nothing(checkout, written, said):
    """What a file of parameters sets under a name that nothing reads is refused, not ignored."""
    folder = checkout / "conf/local/parameters"
    folder.mkdir()
    (folder / "own.yml").write_text(written)
    try:
        ran = kedro(checkout, "run", "--pipelines=features")
    finally:
        shutil.rmtree(folder)
    assert ran.returncode != 0
    assert said in last_line(ran)


def test_a_group_file_that_is_a_list(checkout):
    """A file of features without a group's name is named, with what it should hold."""
    own = checkout / "conf/base/features/own.yml"
    own.write_text("- messages_sent\n- recipients\n")
    try:
        ran = kedro(checkout, "features", "list")
    finally:
        own.unlink()
    assert ran.returncode != 0
    assert "own.yml must hold keys with values, such as name: value; got a list" in last_line(ran)


def test_one_pipeline_is_no_old_option(checkout):
    """`--pipeline` of the README is taken without Kedro's warning that it will go away."""
    ran = kedro(checkout, "run", "--env=test", "--pipeline=features", "--params=as_of=tomorrow")
    assert "must be a day such as" in last_line(ran)
    assert "deprecated" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pipeline=scam_dayly",), "named 'scam_dayly'"),
        (("--env=tset",), "there is no environment 'tset'"),
    ],
    ids=["pipeline", "environment"],
)
def test_a_name_that_is_none(checkout, arguments, said):
    """An unknown pipeline or environment is one line that lists what there is."""
    ran = kedro(checkout, "run", *arguments)
    assert ran.returncode != 0
    assert last_line(ran).startswith("Error: ")
    assert said in last_line(ran)


def test_a_parameter_out_of_range(past):
    """A wrong value in conf/ is one line that names the parameter."""
    ran = kedro(past, "run", "--env=test", "--pipelines=features", "--params=start=2,end=1")
    assert ran.returncode != 0
    assert last_line(ran).startswith("Error: ")
    assert "must be a day such as" in last_line(ran)


def test_a_version_that_is_a_path(past):
    """Only what the registry counts is a version."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "ucu_mlops", "release", "promote", "scam", "../scam/1"),
            *("--why", "a test", "--env", "test"),
        ],
        cwd=past / "conf",  # wherever in the project one stands
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "'../scam/1' is no version" in ran.stderr


def test_a_warehouse_held_by_another_process(past):
    """A locked warehouse names the file, the process that holds it, and the remedy."""
    hold = "import duckdb,sys,time; c=duckdb.connect(sys.argv[1]); print(1,flush=True); input()"
    database = str(past / "data/warehouse.duckdb")
    with subprocess.Popen(
        [sys.executable, "-c", hold, database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        holder.stdout.readline()
        ran = kedro(past, "run", "--env=test", "--pipelines=features", "--params=as_of=2026-03-31")
        holder.communicate("\n")
    assert ran.returncode != 0
    assert f"is held by process {holder.pid}; wait until its run is over" in last_line(ran)


def test_a_missing_column(past):
    """A source table that lost a column is named with the column."""
    rows(past, "alter table messages rename column sentiment to feeling")
    try:
        ran = kedro(past, "run", "--env=test", "--pipelines=features", "--params=as_of=2026-03-31")
    finally:
        rows(past, "alter table messages rename column feeling to sentiment")
    assert ran.returncode != 0
    assert "SchemaError" in last_line(ran)
    assert "messages" in last_line(ran)
    assert "sentiment" in last_line(ran)


DECIDED = "select as_of, action, reasons from decisions"


def test_an_outage_is_a_data_fault(past):
    """Its first day raises the alarm; after weeks it still rings, and the queue is empty."""

    def reasons_on(day):
        ran = kedro(past, "run", "--env=test", "--pipelines=scam_daily", f"--params=as_of={day}")
        assert ran.returncode == 0, ran.stderr[-2000:]
        decisions = {str(each): rest for each, *rest in rows(past, DECIDED)}
        action, reasons = decisions[day]
        assert action == "data_fault"
        return reasons

    assert "check its feed" in reasons_on("2026-04-01")
    # Eighteen more days would be decided like the first: they are written, not played.
    rows(
        past,
        "insert into decisions select * replace (date '2026-04-19' as as_of) from decisions "
        "where as_of = '2026-04-01'",
    )
    assert "Nothing arrived on 2026-04-20" in reasons_on("2026-04-20")
    assert rows(past, "select count(*) from cases where as_of = '2026-04-20'") == [(0,)]


def test_a_training_window_without_positives(past):
    """Training before anybody was confirmed says that positives are too few, and keeps what is."""
    ran = kedro(past, "run", "--env=test", "--pipelines=scam_retrain", "--params=as_of=2026-02-15")
    assert ran.returncode != 0
    assert "NotEnoughDataError" in last_line(ran)
    assert "positive" in last_line(ran)


def test_capacity_zero_is_an_empty_queue(past):
    """No moderators today: everybody is scored, nobody is queued, and the run succeeds."""
    sizes = past / "conf/test/parameters/sizes.yml"
    before = sizes.read_text()
    sizes.write_text(before.replace("  scam: {capacity: 30}", "  scam: {capacity: 0}"))
    try:
        ran = kedro(
            past, "run", "--env=test", "--pipelines=scam_daily", "--params=as_of=2026-03-31"
        )
    finally:
        sizes.write_text(before)
    assert ran.returncode == 0, ran.stderr[-2000:]
    counts = "select (select count(*) from {} where as_of = '2026-03-31')"
    assert rows(past, counts.format("cases")) == [(0,)]
    assert rows(past, counts.format("scores"))[0][0] > 0


def test_a_feature_that_means_something_else_now(past):
    """A champion is not fed with a feature that was declared otherwise when it was trained."""
    groups = past / "conf/base/features/messages.yml"
    before = groups.read_text()
    groups.write_text(before.replace("[0, 1, 2, 3, 4, 5]", "[0, 1, 2]"))
    try:
        ran = kedro(
            past, "run", "--env=test", "--pipelines=scam_daily", "--params=as_of=2026-03-31"
        )
    finally:
        groups.write_text(before)
    assert ran.returncode != 0
    assert "trained on another declaration of ['night_share_7d']" in last_line(ran)


def test_features_that_were_never_computed(past):
    """Scoring a day without stored features says which pipeline computes them."""
    rows(past, "delete from features_messages where as_of = '2026-03-30'")
    ran = kedro(past, "run", "--env=test", "--pipelines=scam_scoring", "--params=as_of=2026-03-30")
    assert ran.returncode != 0
    assert "kedro run --pipeline=features --params=as_of=2026-03-30" in last_line(ran)


def test_a_release_without_an_evaluation(past):
    """Releasing a day that nobody evaluated is one line, not a traceback."""
    ran = kedro(past, "run", "--env=test", "--pipelines=scam_release", "--params=as_of=2026-03-20")
    assert ran.returncode != 0
    assert last_line(ran).startswith("Error: DatasetError")
    assert "holdout_scores/2026-03-20.parquet" in last_line(ran)


def test_an_unknown_feature_is_named(past):
    """A model that lists a feature nobody declares fails before anything runs."""
    extra = past / "conf/test/parameters/extra.yml"
    extra.write_text(
        textwrap.dedent("""\
            training_set:
              scam: {features: [messages_sent_7d, mesages_sent_28d]}
        """)
    )
    try:
        ran = kedro(
            past, "run", "--env=test", "--pipelines=scam_retrain", "--params=as_of=2026-03-31"
        )
    finally:
        extra.unlink()
    assert ran.returncode != 0
    assert "mesages_sent_28d" in last_line(ran)
    assert "messages_sent_28d" in last_line(ran)


def test_no_champion_yet(tmp_path_factory, checkout):
    """A rollback without a ledger says that there is nothing to roll back to."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "ucu_mlops", "release", "rollback", "nobody"),
            *("--why", "a test", "--env", "test"),
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "nobody: there is no version to roll back to; it has no champion yet" in ran.stderr
