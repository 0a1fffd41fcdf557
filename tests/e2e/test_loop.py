"""The whole loop on a tiny platform: past, release, days, revert, and the page that tells it."""

import asyncio
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.serving.sites import ask, free_port, get, wait_for
from ucu_mlops.adapters.sqlite_features import SqliteFeatures
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.loop.day import DayReport, play_day
from ucu_mlops.loop.here import RunHere
from ucu_mlops.loop.play import PlayOptions, play
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.report import write_report
from ucu_mlops.quality.metrics import recall_at_capacity

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)


@pytest.fixture(scope="module")
def ledger(checkout: Path) -> SqliteLedger:
    """The ledger of the played project."""
    return SqliteLedger(checkout / "data/06_models/ledger.db")


@pytest.fixture(scope="module")
def days(project: Project, ledger: SqliteLedger) -> list[DayReport]:
    """Play the past and three days, the first release reverted on the second."""
    options = PlayOptions(**project.configuration("parameters")["loop"])
    return list(play(project, options, ledger))


def table(project: Project, name: str) -> pd.DataFrame:
    """Return a table of the catalog, whole."""
    with project.catalog() as catalog:
        return catalog.load(name).execute()


def test_every_day_is_scored_and_queued_within_capacity(days, project):
    """Each day has scores for all active users and at most as many cases as moderators can do."""
    with project.catalog() as catalog:
        capacity = catalog.load("params:review.scam").capacity
    assert [day.as_of for day in days] == [date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)]
    assert all(day.scored > 0 and 0 < day.queued <= capacity for day in days)


def test_the_first_model_had_to_beat_the_rule(days, ledger):
    """The ledger begins with the rule; the model's promotion names the gate that let it through."""
    first, second, *_ = ledger.moves("scam")
    assert (first.kind, second.kind, second.from_version) == (
        "cold_start",
        "promote",
        first.to_version,
    )
    assert second.why.startswith("gate of 2026-03-31")
    assert second.decision_id is not None


def test_the_model_learnt_from_verdicts_beats_every_feature_alone(days, project):
    """Of the scammers not yet confirmed it finds more at capacity than any single feature would."""
    cases, verdicts = table(project, "scam.queue"), table(project, "verdicts")
    with project.catalog() as catalog:
        truth = catalog.load("simulation_truth")
        capacity = catalog.load("params:review.scam").capacity
        features = [each.name for each in catalog.load("scam.champion").manifest.features]
    scores, inputs = table(project, "scam.scores"), table(project, "scam.inputs")
    scores = scores.merge(inputs, on=["entity_id", "as_of"])
    scores = scores[scores["version"] == days[-1].version]
    confirmed = cases.merge(verdicts[verdicts["is_violation"]], on="case_id")
    begins = truth[truth["is_scammer"]].set_index("user_id")["active_from"].dt.tz_localize(None)
    found = pd.Series(0.0, index=["probability", *features])
    for day, todays in scores.groupby("as_of"):
        known = confirmed.loc[confirmed["decided_at"].dt.tz_localize(None) < day, "entity_id"]
        there = todays[~todays["entity_id"].isin(known)]
        scams = there["entity_id"].map(begins) <= day
        for name in found.index:
            if pd.api.types.is_numeric_dtype(there[name]):
                ranked = there[name].fillna(there[name].median()).rank(pct=True)
                found[name] += max(
                    recall_at_capacity(scams, ranked, capacity),
                    recall_at_capacity(scams, 1 - ranked, capacity),
                )
    assert found["probability"] > found[features].max(), found.nlargest(5)


def test_the_revert_is_scored_by_the_version_before(days, project, ledger):
    """On the day after the rollback the version before scores; then the newer one again."""
    scores = table(project, "scam.scores")
    versions = scores.groupby(scores["as_of"].astype(str))["version"].unique()
    before, after = ledger.moves("scam")[0].to_version, ledger.moves("scam")[1].to_version
    used = [list(versions[f"2026-04-0{day}"]) for day in (1, 2, 3)]
    assert used == [[after], [before], [after]]


def test_each_day_estimates_recall_or_says_why_not(days, project):
    """After each day there is an estimate within its interval, or null with a reason."""
    for day in days:
        with project.catalog(as_of=day.as_of.isoformat()) as catalog:
            found = catalog.load("scam.recall")
        assert found["as_of"] == day.as_of.isoformat()
        if found["estimate"] is None:
            assert found["reason"]
        else:
            assert 0 <= found["low"] <= found["estimate"] <= found["high"] <= 1


def test_a_confirmed_scammer_is_never_queued_again(days, project):
    """Nobody gets a first look after a day on which a violation was confirmed and known."""
    cases, verdicts = table(project, "scam.queue"), table(project, "verdicts")
    firsts = cases[cases["first_case_id"].isna()].merge(verdicts, on="case_id")
    confirmed = firsts[firsts["is_violation"]].groupby("entity_id")["decided_at"].min()
    overruled = set(
        cases[cases["first_case_id"].notna()].merge(
            verdicts[~verdicts["is_violation"]], on="case_id"
        )["entity_id"]
    )
    later = cases[cases["first_case_id"].isna() & ~cases["entity_id"].isin(overruled)]
    known = later["entity_id"].map(confirmed).dt.normalize().dt.tz_localize(None)
    assert (pd.to_datetime(later["as_of"]) >= known).sum() == 0


def test_held_out_users_are_in_no_training(days, project):
    """No entity is in the training split of one version and in the hold-out of another."""
    rows = table(project, "scam.training_set")
    splits = rows.groupby("entity_id")["split"].nunique()
    assert set(rows["split"]) == {"train", "holdout"}
    assert splits.max() == 1


def test_a_training_row_is_what_was_stored_for_its_day(days, project):
    """Features of a training row, computed at the label's day, equal the daily partition's."""
    rows = table(project, "scam.training_set")
    with project.catalog() as catalog:
        names = catalog.load("params:training_set.scam").features
        tables = catalog.load("feature_tables")
        stored = rows[["entity_id", "as_of"]]
        for group in sorted(tables):
            frame = tables[group].drop("definition").execute()
            stored = stored.merge(frame, on=["entity_id", "as_of"], how="left", indicator=group)
    kept = (stored[sorted(tables)] == "both").all(axis=1).to_numpy()
    assert kept.sum() > 20
    pd.testing.assert_frame_equal(
        rows.loc[kept, names].reset_index(drop=True),
        stored.loc[kept, names].reset_index(drop=True),
        check_dtype=False,
        rtol=1e-9,
    )


def test_the_platforms_own_labels_can_be_cross_validated(days, project, checkout):
    """`scam_crossvalidation` works for the simulated platform too, with the same figures."""
    project.run("scam_crossvalidation")
    written = checkout / "data/08_reporting/scam/cross_validation.json"
    report = json.loads(written.read_text())["cross_validation"]
    assert set(report) == {"all"}
    assert 0.5 < report["all"]["roc_auc"]["mean"] <= 1


def test_playing_a_day_again_leaves_the_same(days, project):
    """Scores, cases, verdicts and decision of a day are the same after it is played again."""

    def of_the_day() -> list[pd.DataFrame]:
        frames = [table(project, name) for name in ("scam.scores", "scam.queue", "scam.decision")]
        return [
            frame.sort_values(list(frame.columns[:4])).reset_index(drop=True) for frame in frames
        ]

    before = of_the_day()
    play_day(project, "scam", date(2026, 4, 3), RunHere(project), simulated=True)
    for old, new in zip(before, of_the_day(), strict=True):
        pd.testing.assert_frame_equal(old, new)


def test_an_old_day_is_scored_again_by_the_version_that_scored_it(days, project):
    """A rollback and a reinstatement later, the reverted day still shows what moderators saw."""

    def reverted() -> pd.DataFrame:
        cases = table(project, "scam.queue")
        own = cases[cases["as_of"].astype(str) == "2026-04-02"]
        return own.sort_values("case_id").reset_index(drop=True)

    before = reverted()
    project.run("scam_daily", as_of="2026-04-02")
    pd.testing.assert_frame_equal(before, reverted())


def test_playing_on_plays_no_day_twice(days, project, ledger):
    """Played again, the loop tells the days that are done and moves nothing."""
    moves = ledger.moves("scam")
    options = PlayOptions(**project.configuration("parameters")["loop"])
    assert list(play(project, options, ledger)) == days
    assert ledger.moves("scam") == moves


def test_each_case_says_why(days, project):
    """A model's case carries reasons in words, with the user's value and what is usual."""
    cases = table(project, "scam.queue")
    own = cases[(cases["source"] == "model") & (cases["as_of"].astype(str) == "2026-04-03")]
    sentences = [sentence for each in own["reasons"] for sentence in json.loads(each)]
    assert sentences
    assert all(re.search(r": .+; usual ", sentence) for sentence in sentences)


def test_the_report_says_what_happened_and_where_to_look(days, project, checkout):
    """The closing lines name figures and files, and the files are there."""
    lines = write_report(project, "scam", days)
    assert f"{days[-1].scored} users scored" in lines
    for name in ("report.html", "lineage.svg", "queue.csv"):
        path = Path("data/08_reporting/scam") / name
        assert str(path) in lines
        assert (checkout / path).stat().st_size > 0


def test_training_for_a_past_day_does_not_replace_a_newer_champion(days, project, ledger):
    """The gate names that the challenger is older than the champion, and keeps it."""
    project.run("scam_retrain", as_of="2026-03-30")
    with project.catalog(as_of="2026-03-30") as catalog:
        gate = catalog.load("scam.gate")
    failed = {each["name"] for each in gate["conditions"] if not each["holds"]}
    assert "not_older_than_champion" in failed
    assert gate["action"] == "keep"
    assert ledger.head("scam").to_version == gate["champion"]


def test_an_untracked_pipeline_leaves_the_last_run_alone(days, project, checkout):
    """What runs every day neither resumes nor ends again the run of an earlier training."""
    runs = MlflowClient(f"sqlite:///{checkout}/data/06_models/mlflow.db")
    (experiment,) = runs.search_experiments(filter_string="name = 'ucu-mlops'")
    ended = {
        run.info.run_id: run.info.end_time for run in runs.search_runs([experiment.experiment_id])
    }
    project.run("features", as_of="2026-04-02")
    for run_id, end_time in ended.items():
        assert runs.get_run(run_id).info.end_time == end_time
    assert len(ended) > 0


def test_the_moderators_queue_is_blind(days, project, checkout):
    """The file for moderators does not tell a second look from a first."""
    write_report(project, "scam", days)
    columns = set(pd.read_csv(checkout / "data/08_reporting/scam/queue.csv").columns)
    assert columns.isdisjoint({"source", "first_case_id", "propensity", "probability"})


def test_a_user_looked_up_is_the_warehouses_and_trainings(days, project, checkout):
    """For every user of a day: what a server finds = what is stored = the training row, if any."""
    rows = table(project, "scam.training_set")
    stored_days = set(table(project, "population")["as_of"])
    day = rows.loc[rows["as_of"].isin(stored_days), "as_of"].mode()[0]
    found = looked_up(project, checkout, day)
    with project.catalog() as catalog:
        tables = catalog.load("feature_tables")
        frames = [tables[name].drop("definition").execute() for name in sorted(tables)]
    stored = pd.DataFrame({"entity_id": found.index, "as_of": day})
    for frame in frames:
        stored = stored.merge(frame, on=["entity_id", "as_of"], how="left")
    assert len(found) == (table(project, "population")["as_of"] == day).sum() > 100
    assert_same_features(found, stored.set_index("entity_id"), found.columns)
    todays = rows[rows["as_of"] == day].set_index("entity_id")
    todays = todays.loc[todays.index.intersection(found.index)]
    assert len(todays) > 3
    assert_same_features(
        found.loc[todays.index], todays, found.columns.intersection(todays.columns)
    )


def test_a_server_answers_for_users_as_the_batch_did(days, project, checkout):
    """For every user scored on the last day the server's probability by id is the batch's."""
    looked_up(project, checkout, days[-1].as_of)
    scores = table(project, "scam.scores")
    scores = scores[scores["as_of"].eq(pd.Timestamp(days[-1].as_of))].set_index("entity_id")
    port = free_port()
    with (checkout / "conf/test/serving.yml").open("a") as file:
        file.write(f"port: {port}\ngrpc_port: null\n")
    command = [sys.executable, "-m", "ucu_mlops.serving", "--model", "scam", "--env", "test"]
    server = subprocess.Popen(command, cwd=checkout, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: get(port, "/health/ready").status == 200, server)
        served = {}
        for start in range(0, len(scores), 64):
            users = list(scores.index[start : start + 64])
            answer = ask(port, {"instances": [{"user_id": user} for user in users]})
            served |= dict(zip(users, answer.body["predictions"], strict=True))
    finally:
        server.terminate()
        server.wait(30)
    assert {each["version"] for each in served.values()} == set(scores["version"])
    probabilities = pd.Series(
        {user: each["labels"]["scam"]["probability"] for user, each in served.items()}
    )
    pd.testing.assert_series_equal(
        probabilities, scores["probability"], check_names=False, check_index_type=False, rtol=1e-6
    )


def looked_up(project: Project, checkout: Path, day: date) -> pd.DataFrame:
    """Publish a day, and look each of its users up."""
    project.run("features_publishing", as_of=f"{day:%Y-%m-%d}")
    online = SqliteFeatures(checkout / "data/04_feature/online.db")
    population = table(project, "population")
    users = sorted(population.loc[population["as_of"].eq(pd.Timestamp(day)), "entity_id"])
    found = [asyncio.run(online.look_up(user)) for user in users]
    names = [feature.name for feature in found[0].published.features]
    values = [each.values for each in found]  # noqa: PD011 (a row's, not a frame's)
    return pd.DataFrame(values, index=users, columns=names)


def assert_same_features(one: pd.DataFrame, other: pd.DataFrame, names: pd.Index) -> None:
    """Two frames hold the same values of the named features, unknown ones included."""
    for name in names:
        if pd.api.types.is_numeric_dtype(other[name]):
            left, right = one[name].astype(float), other[name].astype(float)
        else:
            left, right = (
                each[name].astype(object).where(each[name].notna()) for each in (one, other)
            )
        pd.testing.assert_series_equal(
            left, right, check_names=False, check_dtype=False, check_index_type=False, rtol=1e-12
        )


def test_rollback_from_the_shell(days, checkout, ledger):
    """`release rollback` moves the ledger back and says so in one line."""
    before = ledger.head("scam")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "ucu_mlops", "release", "rollback", "scam"),
            *("--env", "test", "--why", "a test"),
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    after = ledger.head("scam")
    assert ran.returncode == 0, ran.stderr
    assert (after.revision, after.kind, after.why) == (before.revision + 1, "rollback", "a test")
    assert f"{before.to_version} -> {after.to_version}" in ran.stdout
