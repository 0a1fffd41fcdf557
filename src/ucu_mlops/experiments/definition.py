"""What an experiment is: versions beside the champion, who takes part since when, and its limits.

Configuration, ``conf/<env>/parameters/experiments.yml``; servers and the analysis read the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from itertools import combinations
from typing import Any

from ucu_mlops.quality.checks import (
    COUNT,
    INNER_SHARE,
    NOT_NEGATIVE,
    POSITIVE,
    SOME_SHARE,
    Allowed,
    build_part,
    check_flag,
    check_numbers,
    refuse,
)

FILE = "experiments.yml"
SECTION = "experiments"
CHAMPION, PREVIOUS = "champion", "previous"  # what a variant may name beside a version's number


@dataclass(frozen=True)
class Guardrails:
    """What a variant may cost, beside the control; beyond doubt more turns it off.

    Attributes:
        cases_ratio: How many times the control's cases per entity it may flag.
        errors: By how much (0..1) its share of answers that failed may be above the control's.
        latency_ms: By how many milliseconds its mean latency may be above the control's.
    """

    cases_ratio: float = 1.5
    errors: float = 0.01
    latency_ms: float = 50.0

    def __post_init__(self) -> None:
        """Refuse limits that nothing or everything would breach."""
        check_numbers(
            self,
            f"{SECTION}.guardrails",
            FILE,
            cases_ratio=Allowed(above=1),
            errors=SOME_SHARE,
            latency_ms=POSITIVE,
        )


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: Its name; renamed, it is another one, which deals its entities anew.
        model: The model whose requests take part.
        variants: What each variant answers by: ``champion``, ``previous`` or a version. The first
            is the control.
        shares: Share of the entities that take part by variant, above 0 and together 1; it never
            changes, so that variants can be compared over all days. Left out: equal ones.
        ramp: Share of all entities that take part, by first day (UTC); it never falls.
        ends: Last day (UTC); None: until it is taken out.
        shadow: Whether variants other than the control are only recorded, and the control answers.
        alpha: Probability of a false win or loss, whenever one looks.
        maturity_days: Days after an entity's first answer on which its outcome is taken; verdicts
            take a while.
        guardrails: What a variant may cost.
    """

    name: str
    model: str
    variants: Mapping[str, str]
    ramp: Mapping[date, float]
    shares: Mapping[str, float] = field(default_factory=dict)
    ends: date | None = None
    shadow: bool = False
    alpha: float = 0.05
    maturity_days: int = 14
    guardrails: Guardrails = Guardrails()

    def __post_init__(self) -> None:
        """Refuse what cannot be dealt out, or be compared later."""
        section = f"{SECTION}.{self.name}"
        if not self.name.isidentifier():
            refuse(SECTION, "a name", FILE, "letters, digits and _", self.name)
        if not str(self.model or "").isidentifier():
            refuse(section, "model", FILE, "a model's name", self.model)
        check_numbers(self, section, FILE, alpha=INNER_SHARE, maturity_days=COUNT)
        check_flag(self, section, FILE, "shadow")
        build_part(self, section, FILE, "guardrails", Guardrails)
        self._check_variants(section)
        self._check_ramp(section)
        if self.ends is not None:
            object.__setattr__(self, "ends", _day(section, "ends", self.ends))

    @property
    def control(self) -> str:
        """The variant that the others are compared with."""
        return next(iter(self.variants))

    @property
    def challengers(self) -> tuple[str, ...]:
        """The other variants."""
        return tuple(self.variants)[1:]

    def exposure(self, day: date) -> float:
        """Tell the share of all entities that take part on a day."""
        if self.ends is not None and day > self.ends:
            return 0.0
        begun = [share for first, share in self.ramp.items() if first <= day]
        return begun[-1] if begun else 0.0

    def _check_variants(self, section: str) -> None:
        wished = "at least two, each champion, previous or a version, such as {control: champion}"
        if not isinstance(self.variants, Mapping) or len(self.variants) < 2:  # noqa: PLR2004
            refuse(section, "variants", FILE, wished, self.variants)
        named = {str(name): str(version) for name, version in self.variants.items()}
        if bad := [
            name
            for name, version in named.items()
            if not name.isidentifier()
            or not (version in {CHAMPION, PREVIOUS} or version.isdecimal())
        ]:
            refuse(section, f"variants.{bad[0]}", FILE, wished, self.variants)
        versions = [*named.values()]
        if self.shadow and (versions[0] != CHAMPION or CHAMPION in versions[1:]):
            refuse(section, "variants", FILE, "in a shadow, the champion and then others", named)
        object.__setattr__(self, "variants", named)
        shares = self.shares or dict.fromkeys(named, 1 / len(named))
        if (
            not isinstance(shares, Mapping)
            or [*shares] != [*named]
            or not all(INNER_SHARE.holds(each) for each in shares.values())
            or abs(sum(shares.values()) - 1) > 1e-9  # noqa: PLR2004 (rounding)
        ):
            refuse(section, "shares", FILE, "a share of each variant, together 1", self.shares)
        object.__setattr__(self, "shares", dict(shares))

    def _check_ramp(self, section: str) -> None:
        if not isinstance(self.ramp, Mapping) or not self.ramp:
            refuse(section, "ramp", FILE, "shares by first day, such as {2026-04-01: 0.1}", None)
        ramp = {_day(section, "ramp", day): share for day, share in self.ramp.items()}
        shares = [*ramp.values()]
        if (
            [*ramp] != sorted(ramp)
            or not all(NOT_NEGATIVE.holds(each) and each <= 1 for each in shares)
            or shares != sorted(shares)
        ):
            refuse(section, "ramp", FILE, "later days with no smaller shares of at most 1", shares)
        object.__setattr__(self, "ramp", ramp)


def parse_experiments(raw: Mapping[str, Any] | None) -> dict[str, Experiment]:
    """Read experiments from configuration: name → key → value; what is left out is default.

    Raises:
        ConfigurationError: An unknown key, a value out of its range, or two experiments that split
            a model's requests on the same day.
    """
    if not isinstance(raw or {}, Mapping):
        refuse(SECTION, "the whole", FILE, "experiments by name", raw)
    found = {str(name): _experiment(str(name), each) for name, each in (raw or {}).items()}
    splits = [each for each in found.values() if not each.shadow]
    for earlier, later in combinations(splits, 2):
        # One request has one answer: of two versions that both claim it, neither could be judged.
        if earlier.model == later.model and _overlap(earlier, later):
            refuse(
                f"{SECTION}.{later.name}", "ramp", FILE, f"after {earlier.name} ends", later.ramp
            )
    return found


def _overlap(one: Experiment, other: Experiment) -> bool:
    ends = (each.ends or date.max for each in (one, other))
    return max(next(iter(each.ramp)) for each in (one, other)) <= min(ends)


def _experiment(name: str, raw: Any) -> Experiment:
    known = {each.name for each in fields(Experiment)} - {"name"}
    needed = {"model", "variants", "ramp"}
    if not isinstance(raw, Mapping) or set(raw) - known or needed - set(raw):
        wished = f"keys of {sorted(known)}, among them {sorted(needed)}"
        refuse(SECTION, name, FILE, wished, sorted(raw) if isinstance(raw, Mapping) else raw)
    return Experiment(name, **{str(key): value for key, value in raw.items()})


def _day(section: str, key: str, value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        refuse(section, key, FILE, "days such as 2026-04-01", value)
