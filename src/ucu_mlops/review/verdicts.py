"""Which verdict on a case counts, as of which day, and the labels that follow from it.

cases, verdicts → counted verdicts (one row per first-look case) → labels
                → paired looks: the same, each look's verdict apart
"""

from datetime import UTC, date, datetime, time, timedelta

import ibis

from ucu_mlops.errors import ConfigurationError, SchemaError

CASE_NEEDS = ("case_id", "as_of", "first_case_id")
VERDICT_NEEDS = ("verdict_id", "case_id", "is_violation", "decided_at")
COUNTED_NEEDS = ("case_id", "entity_id", "as_of", "propensity", "is_violation", "decided_at")


def counted_verdicts(cases: ibis.Table, verdicts: ibis.Table, known_by: date) -> ibis.Table:
    """Put beside each first-look case the verdict that counted at the end of a day.

    The latest verdict on the first look counts, unless a second look at it has been decided:
    then the latest verdict on a second look does. Case ids and verdict ids are unique.

    Args:
        cases: One row per case. Needs ``case_id``, ``as_of`` (date) and ``first_case_id``
            (string, null for a first look); other columns are kept.
        verdicts: One row per verdict. Needs ``verdict_id``, ``case_id``, ``is_violation``
            (boolean) and ``decided_at`` (timestamp, UTC).
        known_by: The day, meaning its end (UTC); later cases and verdicts are not known yet.

    Returns:
        Lazily, one row per first-look case known by then: its columns, ``is_violation`` and
        ``decided_at`` (both null while undecided), and ``second_look_as_of`` (date of its first
        second look, null without one).

    Raises:
        SchemaError: A column is missing.
    """
    _check_columns("cases", cases, CASE_NEEDS)
    _check_columns("verdicts", verdicts, VERDICT_NEEDS)
    known_cases = cases.filter(cases.as_of <= ibis.date(known_by.isoformat()))
    known = verdicts.filter(verdicts.decided_at < ibis.timestamp(_end_of(known_by)))
    firsts = known_cases.filter(known_cases.first_case_id.isnull())
    seconds = known_cases.filter(known_cases.first_case_id.notnull())
    looked_again = seconds.group_by(first=seconds.first_case_id).aggregate(
        second_look_as_of=seconds.as_of.min()
    )
    counted = _counted(known_cases, known)
    with_verdict = firsts.left_join(counted, firsts.case_id == counted.look_id).drop("look_id")
    return with_verdict.left_join(looked_again, with_verdict.case_id == looked_again["first"]).drop(
        "first"
    )


def _counted(cases: ibis.Table, verdicts: ibis.Table) -> ibis.Table:
    """Give the one verdict that counts for each decided first look (``look_id``)."""
    looks = cases.select(
        "case_id",
        look_id=ibis.coalesce(cases.first_case_id, cases.case_id),
        second=cases.first_case_id.notnull().cast("int64"),
    )
    decided = verdicts.select("verdict_id", "case_id", "is_violation", "decided_at").join(
        looks, "case_id"
    )
    latest = ibis.window(
        group_by=decided.look_id,
        order_by=[decided.second.desc(), decided.decided_at.desc(), decided.verdict_id.desc()],
    )
    numbered = decided.mutate(place=ibis.row_number().over(latest))
    return numbered.filter(numbered.place == 0).select("look_id", "is_violation", "decided_at")


def paired_looks(cases: ibis.Table, verdicts: ibis.Table, known_by: date) -> ibis.Table:
    """Put beside each first look its own latest verdict and, apart from it, its second look's.

    Where :func:`counted_verdicts` says what is held to be true, this tells how far two moderators
    agree.

    Args:
        cases: One row per case, as for :func:`counted_verdicts`; also needs ``propensity``.
        verdicts: One row per verdict, as there.
        known_by: The day, meaning its end (UTC); later cases and verdicts are not known yet.

    Returns:
        Lazily, one row per first-look case known by then: its columns, ``is_violation`` and
        ``decided_at`` of its own latest verdict (null while undecided), ``second_is_violation``
        and ``second_propensity`` of its latest decided second look (null without one).

    Raises:
        SchemaError: A column is missing.
    """
    _check_columns("cases", cases, (*CASE_NEEDS, "propensity"))
    _check_columns("verdicts", verdicts, VERDICT_NEEDS)
    known_cases = cases.filter(cases.as_of <= ibis.date(known_by.isoformat()))
    known = verdicts.filter(verdicts.decided_at < ibis.timestamp(_end_of(known_by)))
    of_case = _latest(known, known.case_id).select(
        "is_violation", "decided_at", "verdict_id", look=known.case_id
    )
    firsts = known_cases.filter(known_cases.first_case_id.isnull())
    seconds = known_cases.filter(known_cases.first_case_id.notnull()).select(
        "case_id", "first_case_id", second_propensity="propensity"
    )
    decided = seconds.join(of_case, seconds.case_id == of_case.look)
    again = _latest(decided, decided.first_case_id).select(
        "second_propensity", first=decided.first_case_id, second_is_violation=decided.is_violation
    )
    own = of_case.drop("verdict_id")
    looked = firsts.left_join(own, firsts.case_id == own.look).drop("look")
    return looked.left_join(again, looked.case_id == again["first"]).drop("first")


def _latest(verdicts: ibis.Table, of: ibis.Column) -> ibis.Table:
    """Keep the latest verdict of each ``of``."""
    order = [verdicts.decided_at.desc(), verdicts.verdict_id.desc()]
    numbered = verdicts.mutate(place=ibis.row_number().over(group_by=of, order_by=order))
    return numbered.filter(numbered.place == 0)


def labels_from(counted: ibis.Table, max_weight: float = 20.0) -> ibis.Table:
    """Turn counted verdicts into labels to train on and to measure with.

    Args:
        counted: One row per first-look case, as :func:`counted_verdicts` gives it. Needs
            ``case_id``, ``entity_id``, ``as_of`` (date), ``propensity`` (0..1], ``is_violation``
            and ``decided_at``; undecided cases are left out.
        max_weight: Largest weight; at least 1. Few explored users stand for thousands: unclipped,
            one of them would outweigh all other cases.

    Returns:
        Lazily, one row per entity and day (the latest decided where there were several):
        ``entity_id``, ``as_of``, ``label`` (int64, 1 = violation), ``weight`` (float64,
        1 / propensity, at most ``max_weight``), ``propensity``, ``cohort`` (``all``) and
        ``decided_at``.

    Raises:
        ConfigurationError: ``max_weight`` is below 1.
        SchemaError: A column is missing.
    """
    if not max_weight >= 1:
        raise ConfigurationError(f"labels: max_weight must be at least 1, got {max_weight}")
    _check_columns("counted verdicts", counted, COUNTED_NEEDS)
    decided = counted.filter(counted.is_violation.notnull())
    latest = ibis.window(
        group_by=[decided.entity_id, decided.as_of],
        order_by=[decided.decided_at.desc(), decided.case_id.desc()],
    )
    numbered = decided.mutate(place=ibis.row_number().over(latest))
    return numbered.filter(numbered.place == 0).select(
        "entity_id",
        "as_of",
        label=numbered.is_violation.cast("int64"),
        weight=ibis.least(1.0 / numbered.propensity, ibis.literal(max_weight, "float64")),
        propensity=numbered.propensity,
        cohort=ibis.literal("all"),
        decided_at=numbered.decided_at,
    )


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def _check_columns(table: str, given: ibis.Table, needed: tuple[str, ...]) -> None:
    if missing := sorted(set(needed) - set(given.columns)):
        raise SchemaError(f"{table} need {missing}; got {list(given.columns)}")
