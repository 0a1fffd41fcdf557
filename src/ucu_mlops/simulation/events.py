"""What everybody does on one day, as numbers: who signs in, writes, and is reported."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.simulation.kinds import IS_SCAMMER
from ucu_mlops.simulation.population import DEVICES, Population

Columns = dict[str, NDArray[Any]]
Reals = NDArray[np.float32]
Whole = NDArray[np.int64]

REASONS = ("spam", "scam", "harassment", "other")
DAY_US = 86_400_000_000

_WEEK = (0.97, 0.95, 0.96, 1.0, 1.08, 1.13, 1.05)  # Monday to Sunday
_MAX_ACTIVITY = 0.98
_MAX_MESSAGES = 400
# Shape (2, reasons), cumulative: about the honest, about scammers.
_REASON_EDGES = np.cumsum(((0.36, 0.14, 0.3, 0.2), (0.38, 0.36, 0.1, 0.16)), axis=1)
_NULL_SENTIMENT_SHARE = 0.03
_OTHER_DEVICE_SHARE = 0.12
_REPORT_AFTER_US = 7_200_000_000
_VERY_LATE_SHARE = 1 / 3  # of the late events take a second day


@dataclass(frozen=True)
class _Weather:
    """What all share on a day, as factors (``mood``: added): a holiday, a match, rain."""

    activity: float
    messages: float
    links: float
    duration: float
    mood: float


def draw_events(
    population: Population, day: date, late_share: float, rng: np.random.Generator
) -> dict[str, Columns]:
    """Draw all that would happen on a day if nobody had been sent away.

    Args:
        population: Everybody.
        day: The day of occurrence.
        late_share: Share of events that become known late.
        rng: The day's generator.

    Returns:
        ``sessions``, ``messages`` and ``reports``: column name to shape (events,). ``user``,
        ``recipient`` and ``reporter`` are positions in the population, ``occurred`` microseconds
        after midnight, ``lag`` days until the event is known, ``number`` counts; the rest is as
        in the source tables with positions in place of words.
    """
    weather = _draw_weather(rng, day)
    present = population.present(day)
    traits = population.behaviour(present, day)
    comes = rng.random(len(present)) < np.minimum(
        traits["activity"] * weather.activity, _MAX_ACTIVITY
    )
    people = present[comes]
    traits = {name: values[comes] for name, values in traits.items()}
    sessions = _draw_sessions(population, people, traits, weather, rng)
    messages = _draw_messages(people, traits, weather, rng)
    messages["recipient"] = _draw_recipients(population, present, messages, rng)
    for columns in (sessions, messages):
        columns["occurred"] = _after_signing_up(population, columns, day)
    reports = _draw_reports(population, messages, day, rng)
    tables = {"sessions": sessions, "messages": messages, "reports": reports}
    for columns in tables.values():
        columns["lag"] = _draw_lags(rng, len(columns["user"]), late_share)
        columns["number"] = np.arange(len(columns["user"]))
    return tables


def _draw_weather(rng: np.random.Generator, day: date) -> _Weather:
    week = _WEEK[day.weekday()]
    effect = rng.standard_normal(5)
    return _Weather(
        activity=week * np.exp(0.03 * effect[0]),
        messages=week * np.exp(0.05 * effect[1]),
        links=np.exp(0.03 * effect[2]),
        duration=np.exp(0.03 * effect[3]),
        mood=0.01 * effect[4],
    )


def _draw_lags(rng: np.random.Generator, n: int, late_share: float) -> Whole:
    drawn = rng.random(n)
    return (drawn < late_share).astype(np.int64) + (drawn < late_share * _VERY_LATE_SHARE)


def _draw_times(rng: np.random.Generator, night_shares: Reals) -> Whole:
    """Draw microseconds after midnight: before five, or from seven on and rather late."""
    n = len(night_shares)
    by_day = 7 + 17 * rng.random(n) ** 0.6
    hours = np.where(rng.random(n) < night_shares, 5 * rng.random(n), by_day)
    return (hours / 24 * DAY_US).astype(np.int64)


def _after_signing_up(population: Population, columns: Columns, day: date) -> Whole:
    """Squeeze the first day of newcomers into what is left of it."""
    signed_up = (population.signed_up - np.datetime64(day, "us")).astype(np.int64)
    begin = np.where(population.joined == np.datetime64(day), signed_up.clip(min=0), 0)
    begin = begin[columns["user"]]
    squeezed: Whole = begin + (columns["occurred"] * (1 - begin / DAY_US)).astype(np.int64)
    return squeezed


def _draw_sessions(
    population: Population,
    people: Whole,
    traits: dict[str, Reals],
    weather: _Weather,
    rng: np.random.Generator,
) -> Columns:
    counts = 1 + rng.poisson(traits["sessions"])
    who = np.repeat(np.arange(len(people)), counts)
    user, n = people[who], len(who)
    turn = rng.integers(1, len(DEVICES), n) * (rng.random(n) < _OTHER_DEVICE_SHARE)
    is_abroad = rng.random(n) < traits["abroad"][who]
    typical = traits["duration"][who] * weather.duration
    return {
        "user": user,
        "occurred": _draw_times(rng, traits["night"][who]),
        "duration_s": np.round(typical * np.exp(0.7 * rng.standard_normal(n)), 1),
        "device": (population.device[user] + turn) % len(DEVICES),
        "ip_country": np.where(is_abroad, population.foreign[user], population.country[user]),
    }


def _draw_messages(
    people: Whole, traits: dict[str, Reals], weather: _Weather, rng: np.random.Generator
) -> Columns:
    """Draw all about the messages but the recipients, for whom two columns are prepared."""
    busy = rng.gamma(2.0, 0.5, len(people))  # no day is like another; mean 1
    means = np.minimum(traits["messages"] * weather.messages * busy, _MAX_MESSAGES)
    who = np.repeat(np.arange(len(people)), rng.poisson(means))
    n = len(who)
    sentiment = traits["mood"][who] + weather.mood + 0.35 * rng.standard_normal(n)
    sentiment[rng.random(n) < _NULL_SENTIMENT_SHARE] = np.nan
    chars = traits["chars"][who] * np.exp(0.6 * rng.standard_normal(n))
    return {
        "user": people[who],
        "occurred": _draw_times(rng, traits["night"][who]),
        "n_chars": 1 + chars.astype(np.int64),
        "sentiment": np.clip(sentiment, -1, 1).round(3),
        "has_link": rng.random(n) < traits["links"][who] * weather.links,
        "is_reply": rng.random(n) < traits["replies"][who],
        "is_reported": rng.random(n) < traits["reported"][who],
        "to_stranger": rng.random(n) < traits["strangers"][who],
        "slot": (traits["circle"][who] * rng.random(n) ** 2).astype(np.int64),
    }


def _draw_recipients(
    population: Population, present: Whole, messages: Columns, rng: np.random.Generator
) -> Whole:
    """Draw strangers from all present, friends from a circle that is the same every day."""
    user, slot = messages["user"], messages["slot"]
    founders = np.searchsorted(population.joined, population.joined[0], side="right")
    hashed = (user * 2_654_435_761 + (slot + 1) * 40_503_000_017) % 4_294_967_291
    strangers = present[rng.integers(0, len(present), len(user))]
    recipient = np.where(messages["to_stranger"], strangers, hashed % founders)
    return np.where(recipient == user, (user + 1) % founders, recipient)


def _draw_reports(
    population: Population, messages: Columns, day: date, rng: np.random.Generator
) -> Columns:
    hits = np.flatnonzero(messages["is_reported"])
    user, n = messages["user"][hits], len(hits)
    is_scamming = IS_SCAMMER[population.kind[user]] & (
        population.active_from[user] <= np.datetime64(day)
    )
    after = rng.exponential(_REPORT_AFTER_US, n).astype(np.int64)
    edges = _REASON_EDGES[is_scamming.astype(int)]
    return {
        "user": user,
        "reporter": messages["recipient"][hits],
        "occurred": np.minimum(messages["occurred"][hits] + after, DAY_US - 1),
        "reason": (rng.random(n)[:, None] > edges[:, :-1]).sum(axis=1),
    }
