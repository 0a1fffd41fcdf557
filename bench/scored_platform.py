"""A platform of scores alone: quick enough to play hundreds of times, with the real queue.

Honest users and scammers keep a level of log-odds each, with noise that lasts for days, drawn as
the model of the default platform gave them (seed 5, 2026-03-31 to 04-12, shift off): scammers who
are confirmed leave, others join. Everything else is the real thing: queue, verdicts, moderators.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import CASE_COLUMNS, build_queue
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.simulation.moderators import VERDICT_TYPES, ModeratorOptions, decide

START = date(2026, 1, 1)
# Levels of log-odds below which so many of the honest lie.
HONEST_SHARES = (
    0,
    0.01,
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    0.98,
    0.99,
    0.995,
    0.999,
    1,
)
HONEST_LEVELS = (
    *(-7.9, -7.1, -6.4, -6.1, -5.7, -5.4, -5.1, -4.8, -4.5, -4.2),
    *(-3.9, -3.3, -2.8, -2.3, -1.9, -1.6, -1.0, 0.2),
)
SCAMMER_LEVEL, SCAMMER_SPREAD = -1.6, 1.15
NOISE = {False: 0.55, True: 0.75}
PERSISTENCE = 0.46  # correlation of a user's noise from day to day
REPORTED = {False: 0.0019, True: 0.011}
REMEMBERED_DAYS = 40
FAR = date(9000, 1, 1)
CASES = ibis.schema(
    dict.fromkeys(CASE_COLUMNS, "string")
    | {"as_of": "date", "rank": "int64", "propensity": "float64", "probability": "float64"}
)
VERDICTS = ibis.schema(
    dict.fromkeys(VERDICT_TYPES, "string")
    | {"is_violation": "boolean", "decided_at": "timestamp('UTC', 6)"}
)


@dataclass(frozen=True)
class World:
    """What is played.

    Attributes:
        honest: Honest users active on a day.
        scammers: Scammers among the active on the first day.
        joining: Scammers who begin on an average day.
        hidden_share: Share of the scammers who have the levels of the honest: a kind that the
            model has never seen.
    """

    honest: int = 11_830
    scammers: int = 170
    joining: float = 16.0
    hidden_share: float = 0.0


def play(
    world: World, review: ReviewOptions, moderators: ModeratorOptions, days: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Play days of scores, queues and verdicts.

    Args:
        world: Who is there.
        review: How the queue is divided.
        moderators: How they work.
        days: How many days.
        seed: Of scores and draws.

    Returns:
        ``cases``, ``verdicts``, ``population`` (scammers who were active: ``entity_id``,
        ``as_of``) and ``truth``, as the platform has them.
    """
    rng = np.random.default_rng(seed)
    review = replace(review, seed=seed)  # or all seeds would draw the same places of each stratum
    people = _draw_people(world, days, rng)
    truth = people[["user_id", "is_scammer", "active_from"]]
    cases = pd.DataFrame(columns=list(CASE_COLUMNS)).astype(CASE_COLUMNS)
    verdicts = pd.DataFrame(columns=list(VERDICT_TYPES)).astype(VERDICT_TYPES)
    queues, decisions, present = [cases], [verdicts], []
    scores = _scores(people, rng)
    for number in range(days):
        day = START + timedelta(days=number)
        made = decide(cases, verdicts, truth, day, moderators)
        verdicts = _recent(pd.concat([verdicts, made]) if len(verdicts) else made, cases)
        counted = looks(cases, verdicts, counted_verdicts, day)
        confirmed = counted.loc[counted["is_violation"].fillna(value=False).astype(bool)]
        people.loc[people["user_id"].isin(confirmed["entity_id"]), "gone"] = True
        log_odds = next(scores)
        here = (people["first_day"].to_numpy() <= number) & ~people["gone"].to_numpy()
        active = people[here]
        reported = rng.random(len(people))[here] < active["is_scammer"].map(REPORTED).to_numpy()
        queue = build_queue(
            pd.DataFrame(
                {
                    "entity_id": active["user_id"],
                    "probability": 1 / (1 + np.exp(-log_odds[here])),
                    "reports_known_today": reported.astype(np.int64),
                }
            ),
            counted,
            model="scam",
            label="scam",
            as_of=day,
            version="1",
            source="model",
            threshold=0.5,
            options=review,
        )
        since = pd.Timestamp(day) - pd.Timedelta(days=REMEMBERED_DAYS)
        kept = cases[pd.to_datetime(cases["as_of"]) > since]
        cases = pd.concat([kept, queue], ignore_index=True) if len(kept) else queue
        queues.append(queue)
        decisions.append(made)
        scammers = active.loc[active["is_scammer"], ["user_id"]]
        present.append(scammers.rename(columns={"user_id": "entity_id"}).assign(as_of=day))
    return _all(queues), _all(decisions), _all(present), truth


def _draw_people(world: World, days: int, rng: np.random.Generator) -> pd.DataFrame:
    joined = np.repeat(np.arange(1, days), rng.poisson(world.joining, days - 1))
    first_day = np.concatenate([np.zeros(world.scammers, dtype=np.int64), joined])
    n = len(first_day)
    hidden = rng.random(n) < world.hidden_share
    level = np.where(hidden, _honest_levels(rng, n), rng.normal(SCAMMER_LEVEL, SCAMMER_SPREAD, n))
    level = np.concatenate([_honest_levels(rng, world.honest), level])
    first_day = np.concatenate([np.zeros(world.honest, dtype=np.int64), first_day])
    is_scammer = np.arange(len(level)) >= world.honest
    began = pd.Timestamp(START, tz="UTC") + pd.to_timedelta(first_day, unit="D")
    names = rng.permutation(len(level))  # an id tells nothing
    return pd.DataFrame(
        {
            "user_id": pd.Series([f"u{name}" for name in names], dtype="str"),
            "is_scammer": is_scammer,
            "active_from": pd.Series(began).where(pd.Series(is_scammer)),
            "first_day": first_day,
            "level": level,
            "gone": False,
        }
    )


def _honest_levels(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.interp(rng.random(n), HONEST_SHARES, HONEST_LEVELS)


def _scores(people: pd.DataFrame, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    size = people["is_scammer"].map(NOISE).to_numpy()
    noise = rng.normal(size=len(people))
    while True:
        yield people["level"].to_numpy() + size * noise
        fresh = rng.normal(size=len(people))
        noise = PERSISTENCE * noise + np.sqrt(1 - PERSISTENCE**2) * fresh


def _recent(verdicts: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    return verdicts[verdicts["case_id"].isin(cases["case_id"])]


def looks(
    cases: pd.DataFrame, verdicts: pd.DataFrame, of: Callable[..., ibis.Table], day: date
) -> pd.DataFrame:
    """Let the warehouse count what was known by the end of a day.

    Args:
        cases: One row per case.
        verdicts: One row per decision.
        of: ``counted_verdicts`` or ``paired_looks``.
        day: The day.
    """
    # Ibis takes longer to compile than DuckDB to run, and only the day differs.
    cases = cases[pd.to_datetime(cases["as_of"]) <= pd.Timestamp(day)]
    until = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
    # Arrow still takes zoned times from pandas in a way that pandas has deprecated.
    known = verdicts[verdicts["decided_at"] < until].assign(
        decided_at=lambda rows: rows["decided_at"].dt.tz_convert(None)
    )
    with duckdb.connect() as connection:
        for name, rows, types in (("cases", cases, CASES), ("verdicts", known, VERDICTS)):
            schema = types.to_pyarrow()
            bare = [
                field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field
                for field in schema
            ]
            table = pa.Table.from_pandas(rows[list(types)], pa.schema(bare), preserve_index=False)
            connection.register(name, table.cast(schema))
        found: pd.DataFrame = connection.sql(_sql(of)).to_arrow_table().to_pandas()
    return found


@cache
def _sql(of: Callable[..., ibis.Table]) -> str:
    asked = of(ibis.table(CASES, name="cases"), ibis.table(VERDICTS, name="verdicts"), FAR)
    return str(ibis.to_sql(asked, dialect="duckdb"))


def _all(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)], ignore_index=True)
