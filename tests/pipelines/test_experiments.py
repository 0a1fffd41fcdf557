"""Experiments from answered requests and verdicts to a verdict, a page and a switch."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.cli.experiments import experiments
from ucu_mlops.datasets import warehouse
from ucu_mlops.experiments.assignment import variant_of
from ucu_mlops.experiments.definition import Experiment
from ucu_mlops.experiments.switches import off
from ucu_mlops.serving.spool import _line

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)
FIRST = date(2026, 3, 1)
AS_OF = FIRST + timedelta(days=20)
USERS_PER_DAY, DAYS = 400, 10
RAW = {
    "model": "scam",
    "variants": {"control": "champion", "candidate": "2"},
    "ramp": {FIRST.isoformat(): 1.0},
    "ends": "2026-04-30",
    "maturity_days": 7,
}
CHOSEN = Experiment("newer", **RAW)


def answer(number, user, day, *, flagged, **changed):
    """Spell an answer as a server does."""
    whole = {
        "request_id": f"r{number}",
        "at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "model": "scam",
        "version": "2" if changed.get("variant") == "candidate" else "1",
        "experiment": "newer",
        "shadow": False,
        "entity_id": user,
        "labels": {"scam": {"probability": 0.6, "threshold": 0.5, "decision": flagged}},
        "latency_ms": 4.0,
        "error": None,
    }
    return _line(whole | changed)


def play(checkout, project, flags, *, precision=(0.5, 0.5), errors=0.0, shadow=False):
    """Let users ask every day, and moderators decide about what was flagged three days later.

    Args:
        checkout: The project's folder.
        project: The project.
        flags: Share of the users that each variant flags.
        precision: Share of what is flagged that is confirmed: the control's, the candidate's.
        errors: Share of the candidate's users whose answer failed.
        shadow: Whether the candidate only answers in the shadow.

    Returns:
        The candidate's report, and the page.
    """
    for path in checkout.glob("data/warehouse.duckdb*"):
        path.unlink()
    (checkout / "data/06_models/ledger.db").unlink(missing_ok=True)
    experiments = {"newer": RAW | {"shadow": shadow}, "later": RAW | {"ramp": {"2027-01-01": 1.0}}}
    written = checkout / "conf/test/parameters/experiments.yml"
    written.write_text(json.dumps({"experiments": experiments}))
    rng, spool = np.random.default_rng(0), checkout / "data/01_raw/requests/scam"
    lines, cases, verdicts, number = {}, [], [], 0
    for day in (FIRST + timedelta(days=each) for each in range(DAYS)):
        lines[day] = []
        for each in range(USERS_PER_DAY):
            user = f"u{day:%d}_{each}"
            variant = variant_of(CHOSEN, user, day)
            flagged = bool(rng.random() < flags[variant])
            failed = variant == "candidate" and rng.random() < errors
            if shadow:
                lines[day].append(answer(number, user, day, flagged=False, experiment=None))
                variant = "candidate"
            lines[day].append(
                answer(
                    *(number, user, day),
                    flagged=flagged,
                    variant=variant,
                    shadow=shadow,
                    error="no room" if failed else None,
                )
            )
            number += 1
            if flagged:
                cases.append((f"c_{user}", user, day))
                decided = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(days=3)
                is_violation = bool(rng.random() < precision[variant == "candidate"])
                verdicts.append((f"v_{user}", f"c_{user}", "m1", is_violation, decided))
    for day, written_lines in lines.items():
        path = spool / day.isoformat() / "1.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(written_lines))
    _store(project, cases, verdicts)
    project.run("scam_requests", as_of=AS_OF.isoformat())
    project.run("scam_experiments", as_of=AS_OF.isoformat())
    reporting = checkout / "data/08_reporting/scam"
    (report,) = json.loads((reporting / f"experiments/{AS_OF}.json").read_text())
    return report, (reporting / "experiments.html").read_text()


def _store(project, cases, verdicts):
    """Put cases and verdicts into the warehouse."""
    frame = pd.DataFrame(cases, columns=["case_id", "entity_id", "as_of"]).assign(
        model="scam",
        label="scam",
        rank=1,
        source="top",
        propensity=1.0,
        probability=0.6,
        reasons="[]",
        version="1",
        first_case_id=pd.Series([None] * len(cases), dtype="str"),
    )
    decided = pd.DataFrame(
        verdicts, columns=["verdict_id", "case_id", "moderator_id", "is_violation", "decided_at"]
    )
    with project.catalog(start=FIRST.isoformat(), end=AS_OF.isoformat()) as catalog:
        catalog.save("cases", frame)
        catalog.save("verdicts", decided)


@pytest.mark.parametrize(("precision", "verdict"), [((0.3, 0.7), "win"), ((0.7, 0.3), "loss")])
def test_who_finds_more_wins(checkout, project, precision, verdict):
    """More of as many cases confirmed: a win, with counts that add up, a row, a page; or a loss."""
    flags = dict.fromkeys(CHOSEN.variants, 0.1)
    report, page = play(checkout, project, flags, precision=precision)
    assert report["verdict"] == verdict
    assert (report["effect"]["low"] > 0) == (verdict == "win")
    assert sum(each["entities"] for each in report["arms"].values()) == USERS_PER_DAY * DAYS
    for name, arm in report["arms"].items():
        assert arm["settled"] == arm["entities"]
        assert 0 < arm["confirmed"] < arm["cases"], name
    assert [each["day"] for each in report["days"]][:: len(report["days"]) - 1] == [
        *(FIRST.isoformat(), AS_OF.isoformat())
    ]
    assert "newer: candidate, version 2" in page
    with project.catalog(as_of=AS_OF.isoformat()) as catalog:
        rows = catalog.load("scam.experiment_verdicts").execute()
    named = rows[["experiment", "variant", "version", "verdict"]].to_numpy().tolist()
    assert named == [["newer", "candidate", "2", verdict]]
    assert off(SqliteSwitches(checkout / "data/06_models/ledger.db").turned()) == frozenset()


@pytest.mark.parametrize(
    ("flags", "errors", "said"),
    [
        ({"control": 0.05, "candidate": 0.2}, 0.0, "more than 1.5 times as many"),
        ({"control": 0.05, "candidate": 0.05}, 0.2, "fails for"),
    ],
)
def test_a_breached_guardrail_turns_its_variant_off(checkout, project, flags, errors, said):
    """Too many cases, or errors: the verdict says so, the servers' switch is turned, once."""
    report, page = play(checkout, project, flags, errors=errors)
    assert (report["verdict"], said in report["reasons"][0]) == ("guardrail", True)
    assert "breached" in page
    switches = SqliteSwitches(checkout / "data/06_models/ledger.db")
    assert off(switches.turned()) == {("newer", "candidate")}
    project.run("scam_experiments", as_of=AS_OF.isoformat())
    assert [each.who for each in switches.turned()] == ["scam_experiments"]


def test_the_command_says_it_in_a_line(checkout, project):
    """`kedro experiments analyse` ingests, judges, and tells each variant's verdict and why."""
    play(checkout, project, {"control": 0.05, "candidate": 0.2})
    asked = ["analyse", "newer", f"--as-of={AS_OF}", "--env=test"]
    told = CliRunner().invoke(experiments, asked)
    assert told.exit_code == 0, told.output
    (line,) = [each for each in told.output.splitlines() if each.startswith("candidate")]
    assert line.startswith("candidate (version 2): guardrail since 2026-03-0")
    assert "more than 1.5 times as many" in line


def test_a_shadow_is_compared_request_by_request(checkout, project):
    """What the shadow would have flagged beside what went out; nobody is confirmed by it."""
    report, _ = play(checkout, project, {"control": 0.1, "candidate": 0.1}, shadow=True)
    shadow = report["shadow"]
    assert shadow["answers"] == USERS_PER_DAY * DAYS
    assert (shadow["both"], shadow["only_control"]) == (0, 0)
    assert 0.07 < shadow["only_variant"] / shadow["answers"] < 0.13
    assert report["verdict"] == "undecided"
    assert f"{shadow['only_variant']} cases instead of 0" in report["reasons"][0]


@pytest.fixture(autouse=True)
def _tidy(checkout):
    """Leave no experiment behind for the next test."""
    yield
    (checkout / "conf/test/parameters/experiments.yml").unlink(missing_ok=True)
    warehouse.close_all()
