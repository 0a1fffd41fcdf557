"""Everybody who ever joins the platform, with all that is fixed about them from the start."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ucu_mlops.simulation.behaviour import NAMES, draw_behaviour
from ucu_mlops.simulation.kinds import (
    HONEST,
    IS_SCAMMER,
    KINDS,
    NEW_SCAMMER,
    RECRUITER,
    SCAMMERS,
    TAKEN_OVER,
    draw_kinds,
)
from ucu_mlops.simulation.options import PlatformOptions
from ucu_mlops.simulation.streams import stream

Days = NDArray[np.datetime64]
Kinds = NDArray[np.int64]

COUNTRIES = ("UA", "PL", "DE", "RO", "CZ", "GB", "US", "TR", "NG", "PH")
CHANNELS = ("organic", "referral", "ads", "partner")
DEVICES = ("android", "ios", "web", "desktop")
# Shape (2, choices): the honest, the scammers.
_COUNTRY_SHARES = (
    (0.34, 0.16, 0.12, 0.08, 0.07, 0.07, 0.06, 0.05, 0.03, 0.02),
    (0.26, 0.13, 0.11, 0.08, 0.06, 0.08, 0.08, 0.07, 0.08, 0.05),
)
_CHANNEL_SHARES = ((0.5, 0.25, 0.18, 0.07), (0.42, 0.17, 0.27, 0.14))
_DEVICE_SHARES = ((0.52, 0.28, 0.14, 0.06), (0.46, 0.18, 0.26, 0.1))

# Means of exponential distributions, in days.
_INITIAL_AGE = 180.0
_STAY = 500.0
_TRIAL = 8.0
_CAREER = 35.0
_DORMANT = 20.0

_TRIAL_SHARE = 0.55  # of the honest newcomers only have a look
_DORMANT_SHARE = 0.85  # of the scammers wait before they begin
_MOVED_OVER_SHARE = 0.6  # of the scammers give up the old kinds once there is a new one
_WAVE_DAYS = 7
_WAVE, _AFTER_WAVE = 0.0026, 0.0005  # accounts bought a day, as shares of the initial users
_AGED_DAYS, _SELDOM = 30, 0.35  # from which age, and up to which activity, accounts are bought
_GROWTH_DAYS, _GROWTH = 14, 0.025  # harmless newcomers a day, as a share of the initial users


@dataclass(frozen=True)
class Population:
    """What is fixed about everybody, one position per person, in the order of joining.

    Attributes:
        user_ids: Names that tell nothing.
        joined: Day on which the platform's records learn of the person.
        signed_up: Moment of signing up, microseconds, UTC.
        active_from: Day from which a scammer scams; NaT for the honest.
        leaves: First day on which the person is gone by own decision.
        kind: Position in ``KINDS``.
        usual: Behaviour before ``active_from``, shape (people, behaviours).
        scam: Scammers' behaviour from ``active_from`` on, shape (scammers, behaviours), in order.
        country: Position in ``COUNTRIES``.
        foreign: Position in ``COUNTRIES`` of the sessions from abroad.
        channel: Position in ``CHANNELS``.
        device: Position in ``DEVICES`` of the usual device.
        completeness: Share of the profile that is filled in.
        verified: Whether the phone is verified.
    """

    user_ids: pa.LargeStringArray
    joined: Days
    signed_up: NDArray[np.datetime64]
    active_from: Days
    leaves: Days
    kind: Kinds
    usual: NDArray[np.float32]
    scam: NDArray[np.float32]
    country: NDArray[np.int64]
    foreign: NDArray[np.int64]
    channel: NDArray[np.int64]
    device: NDArray[np.int64]
    completeness: NDArray[np.float64]
    verified: NDArray[np.bool_]

    def present(self, day: date) -> NDArray[np.int64]:
        """Return the positions of those who have joined by the day and not left, in order."""
        today = np.datetime64(day)
        return np.flatnonzero((self.joined <= today) & (today < self.leaves))

    def behaviour(self, people: NDArray[np.int64], day: date) -> dict[str, NDArray[np.float32]]:
        """Return how these people behave on the day: behaviour name to shape (people,)."""
        now = self.usual[people]
        scamming = self.active_from[people] <= np.datetime64(day)
        scammers = np.flatnonzero(IS_SCAMMER[self.kind])
        now[scamming] = self.scam[np.searchsorted(scammers, people[scamming])]
        return dict(zip(NAMES, np.ascontiguousarray(now.T), strict=True))


@lru_cache(maxsize=1)  # a process that plays many days draws everybody once
def draw_population(options: PlatformOptions) -> Population:
    """Draw everybody who joins up to the horizon.

    Args:
        options: The platform's options; a day's newcomers hang on the seed, the day and the
            shift alone.

    Returns:
        The population, the users of the first day first.
    """
    cohorts = [_initial(options)]
    for number in range(1, options.horizon_days):
        day = options.start + timedelta(days=number)
        cohorts += [_newcomers(options, day), _shifted(options, day)]
    everybody = Population(
        **{
            field.name: _concatenated([getattr(cohort, field.name) for cohort in cohorts])
            for field in fields(Population)
        }
    )
    if options.shift.kind == "new_scam":
        everybody = _sold(_moved_over(everybody, options), options)
    return everybody


def _concatenated(parts: Sequence[Any]) -> Any:
    return pa.concat_arrays(parts) if isinstance(parts[0], pa.Array) else np.concatenate(parts)


def _initial(options: PlatformOptions) -> Population:
    rng = stream(options.seed, "initial users")
    start = np.datetime64(options.start)
    n_scammers = round(options.users * options.prevalence)
    n_honest = options.users - n_scammers
    kind = np.concatenate(
        [draw_kinds(rng, SCAMMERS, n_scammers), draw_kinds(rng, HONEST, n_honest)]
    )
    # Any of the honest may be taken over one day: mostly after the horizon.
    taken_over_a_day = options.new_scammers_a_day * _taken_over_share()
    wait = np.floor(rng.exponential(1, n_honest) * n_honest / max(taken_over_a_day, 1e-9))
    taken_over = wait < options.horizon_days
    kind[n_scammers:][taken_over] = TAKEN_OVER
    days = np.concatenate([rng.integers(-50, 25, n_scammers), np.where(taken_over, wait, 0)])
    active_from = start + days.astype("timedelta64[D]")
    age = rng.exponential(_INITIAL_AGE, options.users) + np.maximum(-days, 0)
    order = rng.permutation(options.users)  # else a position would tell who is a scammer
    return _cohort(rng, options.start, kind[order], active_from[order], age[order])


def _moved_over(everybody: Population, options: PlatformOptions) -> Population:
    """Let most scammers give up their old ways in the week in which a new one appears."""
    rng = stream(options.seed, "moved over")
    shift = np.datetime64(options.shift.day)
    is_sleeping = IS_SCAMMER[everybody.kind] & (everybody.kind != TAKEN_OVER)
    is_sleeping &= everybody.joined < shift
    is_leaving = is_sleeping | (everybody.active_from < shift)  # false for the honest
    is_leaving &= rng.random(len(is_leaving)) < _MOVED_OVER_SHARE
    leaves = shift + rng.integers(1, 1 + _WAVE_DAYS, len(is_leaving))
    leaves = np.where(is_leaving, np.minimum(everybody.leaves, leaves), everybody.leaves)
    return replace(everybody, leaves=leaves)


def _sold(everybody: Population, options: PlatformOptions) -> Population:
    """Let the new kind buy accounts of the honest, day after day from the shift on."""
    active_from, leaves = everybody.active_from.copy(), everybody.leaves.copy()
    kind, seldom = everybody.kind.copy(), everybody.usual[:, NAMES.index("activity")] < _SELDOM
    scammers, scam = [np.flatnonzero(IS_SCAMMER[kind])], [everybody.scam]
    for day, share in _sales(options):
        rng, today = stream(options.seed, "accounts sold", day), np.datetime64(day)
        is_there = (everybody.signed_up < today - _AGED_DAYS) & (today < leaves)
        for_sale = np.flatnonzero(seldom & is_there & ~IS_SCAMMER[kind])
        n = min(rng.poisson(options.users * share), len(for_sale))
        bought = rng.choice(for_sale, n, replace=False)
        kind[bought], active_from[bought] = RECRUITER, today
        leaves[bought] = today + (1 + rng.exponential(_CAREER, n)).astype("timedelta64[D]")
        scammers.append(bought)
        scam.append(draw_behaviour(rng, np.zeros(n, np.int64), [NEW_SCAMMER.behaviour]))
    order = np.argsort(np.concatenate(scammers))
    ordered = np.concatenate(scam)[order]
    return replace(everybody, active_from=active_from, leaves=leaves, kind=kind, scam=ordered)


def _sales(options: PlatformOptions) -> Iterator[tuple[date, float]]:
    """Give each day of the new kind, with the accounts it buys as a share of the initial users."""
    days = (options.start + timedelta(days=number) for number in range(options.horizon_days))
    of_new_kind = [day for day in days if options.shift.has_begun("new_scam", day)]
    for since, day in enumerate(of_new_kind):
        yield day, _WAVE if since < _WAVE_DAYS else _AFTER_WAVE


def _newcomers(options: PlatformOptions, day: date) -> Population:
    rng = stream(options.seed, "newcomers", day)
    own_accounts = options.new_scammers_a_day * (1 - _taken_over_share())
    n_honest = rng.poisson(options.users * options.newcomers)
    scammers = draw_kinds(rng, SCAMMERS[:-1], rng.poisson(own_accounts))
    if options.shift.has_begun("new_scam", day):
        stays = stream(options.seed, "moved over", day).random(len(scammers)) >= _MOVED_OVER_SHARE
        scammers = scammers[stays]
    kind = np.concatenate([scammers, draw_kinds(rng, HONEST, n_honest)])
    waits = rng.exponential(_DORMANT, len(kind)) * (rng.random(len(kind)) < _DORMANT_SHARE)
    active_from = np.datetime64(day) + waits.astype("timedelta64[D]")
    return _cohort(rng, day, kind, active_from, np.zeros(len(kind)))


def _shifted(options: PlatformOptions, day: date) -> Population:
    rng = stream(options.seed, "shift", day)
    since = (day - options.shift.day).days if options.shift.day else 0
    kind = np.array([], dtype=np.int64)
    if options.shift.has_begun("growth", day) and since < _GROWTH_DAYS:
        kind = draw_kinds(rng, HONEST, rng.poisson(options.users * _GROWTH))
    active_from = np.full(len(kind), np.datetime64(day))
    return _cohort(rng, day, kind, active_from, np.zeros(len(kind)))


def _taken_over_share() -> float:
    return next(kind.share for kind in SCAMMERS if kind.name == "taken_over")


def _cohort(
    rng: np.random.Generator,
    day: date,
    kind: Kinds,
    active_from: Days,
    age: NDArray[np.float64],
) -> Population:
    """Draw the rest about those who join on one day; ``age`` of the account in days."""
    n = len(kind)
    is_scammer = IS_SCAMMER[kind]
    joined = np.full(n, np.datetime64(day))
    begins = np.where(is_scammer, np.maximum(active_from, joined), joined)
    is_trial = (age == 0) & (rng.random(n) < _TRIAL_SHARE)
    mean_stay = np.where(is_scammer, _CAREER, np.where(is_trial, _TRIAL, _STAY))
    stay = 1 + rng.exponential(mean_stay)
    time_of_day = rng.random(n) * 86_400_000_000
    moment = time_of_day - np.ceil(age) * 86_400_000_000
    behaviours = [kind.behaviour for kind in KINDS]
    before = np.where(is_scammer, draw_kinds(rng, HONEST, n), kind)
    usual = draw_behaviour(rng, before, behaviours)
    scam = draw_behaviour(rng, kind[is_scammer], behaviours)
    profile = usual.copy()  # of a taken-over account its owner's
    profile[is_scammer & (kind != TAKEN_OVER)] = scam[kind[is_scammer] != TAKEN_OVER]
    return Population(
        user_ids=_user_ids(rng, n),
        joined=joined,
        signed_up=joined.astype("datetime64[us]") + moment.astype("timedelta64[us]"),
        active_from=np.where(is_scammer, active_from, np.datetime64("NaT")),
        leaves=begins + stay.astype("timedelta64[D]"),
        kind=kind,
        usual=usual,
        scam=scam,
        country=_choose(rng, _COUNTRY_SHARES, is_scammer),
        foreign=rng.integers(0, len(COUNTRIES), n),
        channel=_choose(rng, _CHANNEL_SHARES, is_scammer),
        device=_choose(rng, _DEVICE_SHARES, is_scammer),
        completeness=profile[:, NAMES.index("completeness")].astype(np.float64),
        verified=rng.random(n) < profile[:, NAMES.index("verified")],
    )


def _user_ids(rng: np.random.Generator, n: int) -> pa.LargeStringArray:
    letters = rng.bytes(8 * n).hex().encode()
    ends = np.arange(n + 1, dtype=np.int64) * 16
    return pa.LargeStringArray.from_buffers(n, pa.py_buffer(ends), pa.py_buffer(letters))


def _choose(
    rng: np.random.Generator,
    shares: tuple[tuple[float, ...], tuple[float, ...]],
    is_scammer: NDArray[np.bool_],
) -> NDArray[np.int64]:
    edges = np.cumsum(shares, axis=1)[is_scammer.astype(int)]
    drawn: NDArray[np.int64] = (rng.random(len(is_scammer))[:, None] > edges[:, :-1]).sum(axis=1)
    return drawn
