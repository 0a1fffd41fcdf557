"""Answered requests and verdicts → what each arm's entities came to, by the day they entered.

An entity enters with its first answer; what it comes to is settled ``maturity_days`` later and
never changes after, so that looking every day looks at more entities and not at the same ones anew.
"""

from datetime import date

import ibis
import ibis.expr.types as ir

from ucu_mlops.experiments.definition import Experiment

# As the server spells it (ucu_mlops.serving.records), for any of the model's labels.
DECIDED = '"decision":true'


def arms_by_day(
    requests: ir.Table, verdicts: ir.Table, experiment: Experiment, as_of: date
) -> ir.Table:
    """Count what entities came to, by variant and the day they entered; in the warehouse.

    An entity is a case if an answer of its first day flagged it; it is confirmed if an answer
    within ``maturity_days`` flagged it and a moderator confirmed it in that time.

    Args:
        requests: One row per answer: ``experiment``, ``variant``, ``shadow``, ``entity_id``,
            ``day`` (date), ``probabilities`` (JSON), ``error`` and ``latency_ms``.
        verdicts: One row per case that was decided: ``entity_id``, ``is_violation`` and
            ``decided_at`` (UTC), as ``ucu_mlops.review.verdicts.counted_verdicts`` gives them.
        experiment: A split.
        as_of: The last day that is known.

    Returns:
        Lazily, one row per ``variant`` and ``day`` of entry: ``entities``, ``cases``, ``failed``
        (an answer of the first day had an error), ``confirmed`` (int64), ``latency`` and
        ``latency_squares`` (sums over entities of their mean latency in ms on the first day, and
        of its square).
    """
    mine = requests.filter(
        requests["experiment"] == experiment.name,
        ~requests["shadow"],
        requests["day"] <= ibis.date(as_of.isoformat()),
        ~requests["entity_id"].isnull(),
    )
    answers = mine.select(
        "entity_id",
        "variant",
        "day",
        "latency_ms",
        flagged=mine["probabilities"].contains(DECIDED).fill_null(False),
        failed=~mine["error"].isnull(),
    )
    entries = answers.group_by("entity_id").aggregate(entered=answers["day"].min())
    joined = answers.join(entries, "entity_id")
    age = joined["day"].delta(joined["entered"], unit="day")
    within = joined.mutate(is_first=age == 0).filter(age < experiment.maturity_days)
    first = within["is_first"]
    units = within.group_by("entity_id", "entered").aggregate(
        variant=within["variant"].min(),
        flagged=within["flagged"].max(),
        case=(within["flagged"] & first).max(),
        failed=(within["failed"] & first).max(),
        latency=within["latency_ms"].mean(where=first),
    )
    positive = verdicts.filter(verdicts["is_violation"]).select(
        verdict_of=verdicts["entity_id"], decided=verdicts["decided_at"].date()
    )
    decided = units.select("entity_id", "entered").join(
        positive, [units["entity_id"] == positive["verdict_of"]]
    )
    waited = decided["decided"].delta(decided["entered"], unit="day")
    found = decided.filter((waited >= 0) & (waited < experiment.maturity_days))
    confirmed = found.select(confirmed_id="entity_id").distinct()
    whole = units.left_join(confirmed, units["entity_id"] == confirmed["confirmed_id"])
    is_confirmed = whole["flagged"] & ~whole["confirmed_id"].isnull()
    return whole.group_by("variant", day=whole["entered"]).aggregate(
        entities=whole.count(),
        cases=whole["case"].cast("int64").sum(),
        failed=whole["failed"].cast("int64").sum(),
        confirmed=is_confirmed.cast("int64").sum(),
        latency=whole["latency"].sum(),
        latency_squares=(whole["latency"] * whole["latency"]).sum(),
    )


def shadows_by_variant(requests: ir.Table, experiment: Experiment, as_of: date) -> ir.Table:
    """Compare shadows with the answers that went out, request by request; in the warehouse.

    Args:
        requests: As above, with ``request_id``.
        experiment: A shadow.
        as_of: The last day that is known.

    Returns:
        Lazily, one row per ``variant``: ``answers``, ``failed``, and of those that did not fail
        ``both`` (flagged by both), ``only_control`` and ``only_variant`` (int64), and
        ``latency_ms`` (the shadows' mean).
    """
    known = requests.filter(requests["day"] <= ibis.date(as_of.isoformat()))
    decided = known.mutate(
        flagged=known["probabilities"].contains(DECIDED).fill_null(False),
        failed=~known["error"].isnull(),
    )
    shown = decided.filter(~decided["shadow"]).select("request_id", control="flagged")
    mine = decided.filter(decided["shadow"], decided["experiment"] == experiment.name)
    pairs = mine.join(shown, "request_id")
    good = ~pairs["failed"]
    ours, theirs = pairs["flagged"], pairs["control"]
    return pairs.group_by("variant").aggregate(
        answers=pairs.count(),
        failed=pairs["failed"].cast("int64").sum(),
        both=(good & ours & theirs).cast("int64").sum(),
        only_control=(good & theirs & ~ours).cast("int64").sum(),
        only_variant=(good & ours & ~theirs).cast("int64").sum(),
        latency_ms=pairs["latency_ms"].mean(),
    )
