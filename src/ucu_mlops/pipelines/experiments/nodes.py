"""Count arms in the warehouse, judge them, say it, and turn off what breached a guardrail."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.experiments.counting import arms_by_day, shadows_by_variant
from ucu_mlops.experiments.definition import Experiment, parse_experiments
from ucu_mlops.experiments.page import draw_experiments
from ucu_mlops.experiments.switches import Switch
from ucu_mlops.experiments.verdict import judge_variant
from ucu_mlops.features.period import Period
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)

COLUMNS = ("verdict_id", "model", "as_of", "experiment", "variant", "version", "verdict", "report")


def judge_experiments(
    requests: ibis.Table,
    cases: ibis.Table,
    verdicts: ibis.Table,
    experiments: Mapping[str, Any],
    period: Period,
    model: str,
) -> list[dict[str, Any]]:
    """Say of each variant of a model's experiments what can be said by a day.

    Args:
        requests: The model's answered requests.
        cases: All cases.
        verdicts: All verdicts.
        experiments: As they are configured.
        period: Its last day is the one that is looked at.
        model: The model.

    Returns:
        One JSON object per experiment and variant but the control, of experiments that have begun.
    """
    day = period.as_of
    counted = counted_verdicts(cases.filter(cases["model"] == model), verdicts, day)
    reports: list[dict[str, Any]] = []
    for each in parse_experiments(experiments).values():
        if each.model != model or day < next(iter(each.ramp)):
            continue
        if each.shadow:
            reports += _shadows(shadows_by_variant(requests, each, day).execute(), each, period)
            continue
        arms = _dated(arms_by_day(requests, counted, each, day).execute())
        reports += [judge_variant(arms, each, name, day) for name in each.challengers]
    for report in reports:
        logger.info("%s: %s", _name(report), "; ".join([report["verdict"], *report["reasons"]]))
    return reports


def list_verdicts(reports: Sequence[Mapping[str, Any]], period: Period, model: str) -> pd.DataFrame:
    """Give a day's verdicts as rows: ``COLUMNS``, ``report`` as JSON."""
    rows = [
        (
            derived_id("experiment", each["experiment"], each["variant"], each["as_of"]),
            model,
            period.as_of,
            each["experiment"],
            each["variant"],
            each["version"],
            each["verdict"],
            json.dumps(each, sort_keys=True),
        )
        for each in reports
    ]
    return pd.DataFrame(rows, columns=[*COLUMNS])


def turn_off(reports: Sequence[Mapping[str, Any]], period: Period, model: str) -> list[Switch]:
    """Turn off the variants that breached a guardrail, as of the end of the day."""
    at = datetime.combine(period.as_of + timedelta(days=1), time(), UTC)
    return [
        Switch(each["experiment"], each["variant"], False, f"{model}_experiments", why, at)
        for each in reports
        if each["verdict"] == "guardrail" and (why := "; ".join(each["reasons"]))
    ]


def draw(reports: Sequence[Mapping[str, Any]], period: Period, model: str) -> str:
    """Draw a page: each variant's verdict, and its effect over the days."""
    return draw_experiments(reports, model, period.as_of)


def _dated(arms: pd.DataFrame) -> pd.DataFrame:
    """Give days as dates, whatever the warehouse made of them."""
    return arms.assign(day=pd.to_datetime(arms["day"]).dt.date)


def _shadows(found: pd.DataFrame, experiment: Experiment, period: Period) -> list[dict[str, Any]]:
    """Tell what shadows would have changed; whether for the better nobody has judged."""
    reports = []
    for row in found.sort_values("variant").to_dict("records"):
        answered = row["answers"] - row["failed"]
        changed = row["only_control"] + row["only_variant"]
        cases = (row["both"] + row["only_variant"], row["both"] + row["only_control"])
        said = (
            f"a shadow: {changed} of {answered} decisions would be others, "
            f"{cases[0]} cases instead of {cases[1]}, {row['failed']} failed"
        )
        reports.append(
            {
                "experiment": experiment.name,
                "model": experiment.model,
                "variant": row["variant"],
                "version": experiment.variants[row["variant"]],
                "as_of": period.as_of.isoformat(),
                "verdict": "undecided",
                "since": None,
                "reasons": [said],
                "shadow": {key: value for key, value in row.items() if key != "variant"},
                "days": [],
            }
        )
    return reports


def _name(report: Mapping[str, Any]) -> str:
    return f"{report['experiment']}, {report['variant']} (version {report['version']})"
