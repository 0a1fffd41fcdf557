"""A parameter that is no sensible value is refused in one line: key, file, what is allowed."""

import math

import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.drill import DrillOptions
from ucu_mlops.loop.play import PlayOptions
from ucu_mlops.loop.wave_arrivals import WaveOptions
from ucu_mlops.monitoring.drift import DriftOptions
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.reference import ReferenceOptions
from ucu_mlops.pipelines.scoring.nodes import ScoringOptions
from ucu_mlops.release.options import GateOptions
from ucu_mlops.release.probation import ProbationOptions
from ucu_mlops.review.holdout import HoldoutOptions
from ucu_mlops.review.options import ReviewOptions

NAN, INF = math.nan, math.inf
WAVE = {"before": ["old"], "wave": ["new"]}
DRILL = {"model": "scam", "shift_day": 20, "days_after": 25, "window": 3}


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (GateOptions, {"half_life_days": 0}, "gate.half_life_days must be a number above 0"),
        (GateOptions, {"half_life_days": -5}, "gate.half_life_days must be a number above 0"),
        (GateOptions, {"seed": "a"}, "gate.seed must be a whole number at least 0"),
        (GateOptions, {"margin": NAN}, "gate.margin must be a number at least 0 and at most 1"),
        (GateOptions, {"negligible_s": INF}, "gate.negligible_s must be a number"),
        (GateOptions, {"metric": None}, "gate.metric must be one of"),
        (ReviewOptions, {"capacity": 2.5}, "review.capacity must be a whole number at least 0"),
        (ReviewOptions, {"capacity": NAN}, "review.capacity must be a whole number"),
        (ReviewOptions, {"capacity": True}, "review.capacity must be a whole number"),
        (ReviewOptions, {"fill_below_threshold": "no"}, "must be true or false, got 'no'"),
        (ReviewOptions, {"report_share": 0.9}, "at most 1 together"),
        (DriftOptions, {"unwatched": "account_age"}, "drift.unwatched must be a list of names"),
        (DriftOptions, {"unwatched": None}, "drift.unwatched must be a list of names"),
        (DriftOptions, {"floor": "low"}, "drift.floor must be a number above 0 and below 1"),
        (DriftOptions, {"volume_left": 0}, "drift.volume_left must be"),
        (DriftOptions, {"outliers": 1.5}, "drift.outliers must be a whole number"),
        (DecisionOptions, {"breaker": None}, "decision.breaker must be keys with values, got None"),
        (DecisionOptions, {"breaker": {"rest": 1}}, "decision.breaker must be keys of"),
        (DecisionOptions, {"breaker": {"rest_days": "x"}}, "decision.breaker.rest_days must be"),
        (DecisionOptions, {"outcome": 3}, "decision.outcome must be keys with values, got 3"),
        (
            DecisionOptions,
            {"outcome": {"missed": {"rise": NAN}}},
            "decision.outcome.missed.rise must be a number at least 1",
        ),
        (
            DecisionOptions,
            {"outcome": {"moderators": {"min_looks": None}}},
            "decision.outcome.moderators.min_looks must be a whole number",
        ),
        (DecisionOptions, {"drifting_days": 9}, "decision.drifting_days must be at most days, 3"),
        (DecisionOptions, {"cooldown_days": -1}, "decision.cooldown_days must be"),
        (ProbationOptions, {"days": "two"}, "probation.days must be a whole number"),
        (HoldoutOptions, {"share": "much"}, "holdout.share must be a number above 0 and below 1"),
        (ReferenceOptions, {"days": 2.5}, "reference.days must be a whole number at least 2"),
        (PlayOptions, {"model": "scam", "days": 0, "rollback_on": 2}, "loop.days must be"),
        (WaveOptions, WAVE | {"batch": 2.5}, "wave.batch must be a whole number at least 2, got"),
        (WaveOptions, WAVE | {"labels": None}, "wave.labels must be a whole number at least 1"),
        (WaveOptions, WAVE | {"known_share": NAN}, "wave.known_share must be a number above 0"),
        (WaveOptions, WAVE | {"usual_share": 0.4}, "wave.usual_share must be below 0.4, so"),
        (WaveOptions, WAVE | {"before": "old"}, "wave.before must be a list of names"),
        (WaveOptions, WAVE | {"wave": []}, "wave.wave must be at least one cohort, got []"),
        (ScoringOptions, {"reported_feature": None}, "scoring.reported_feature must be the name"),
        (DrillOptions, DRILL | {"shift_day": 3}, "drill.shift_day must be a whole number"),
    ],
    ids=lambda each: str(each) if isinstance(each, dict) else None,
)
def test_nonsense_is_refused(kind, wrong, said):
    """The line names the key and the file, and what is allowed."""
    with pytest.raises(ConfigurationError) as refused:
        kind(**wrong)
    assert said in str(refused.value)
    assert "correct conf/*/parameters/" in str(refused.value)
    assert "\n" not in str(refused.value)
