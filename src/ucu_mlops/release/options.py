"""What a challenger must show before it is released, as parameters."""

from dataclasses import dataclass

from ucu_mlops.quality.checks import (
    COUNT,
    COUNT_OR_NONE,
    INNER_SHARE,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Allowed,
    check_numbers,
    refuse,
)
from ucu_mlops.release.metrics import METRICS

FILE = "gate.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class GateOptions:
    """What a challenger must show.

    Attributes:
        metric: The figure that is compared, by name.
        capacity_share: Share of the held-out rows that moderators could check. Decided cases are
            few and mostly from the top of a queue: with their true capacity nearly all would be
            checked and every model be perfect.
        recent_days: Days up to the latest labelled one that are compared: before a shift both
            versions were good, and those days would drown the ones that matter.
        wanted_positives: Users with a confirmed case for whom earlier days are compared as well,
            as many as it takes.
        half_life_days: Days after which a row counts half, within those.
        largest_share: Largest share of all that is counted that one positive may carry: an explored
            case stands for many users.
        min_positives: Users with a confirmed case that the hold-out must hold.
        chance: Probability of finding as much by lot, above which nothing was shown.
        margin: How much (0..1) the challenger must gain at least.
        non_inferiority: How much worse it may be where the champion is faulty or too old.
        max_age_days: Days after which a champion is too old.
        segment_positives: Positive users below which a segment is not measured.
        segment_fall: How far a segment may fall: beyond doubt farther is too far.
        calibration_rise: How much larger than the champion's the calibration error may be.
        latency_ratio: How many times the champion's time a batch may take.
        negligible_s: Seconds for the batch that are always good enough.
        level: Share of the resamples that an interval holds.
        resamples: How many resamples of users.
        seed: Seed of the resamples.
    """

    metric: str = "recall_at_capacity"
    capacity_share: float = 0.2
    recent_days: int = 28
    wanted_positives: int = 20
    half_life_days: float = 14.0
    largest_share: float = 0.1
    min_positives: int = 10
    chance: float = 0.001
    margin: float = 0.1
    non_inferiority: float = 0.05
    max_age_days: int = 90
    segment_positives: int = 10
    segment_fall: float = 0.1
    calibration_rise: float = 0.1
    latency_ratio: float = 3.0
    negligible_s: float = 0.1
    level: float = 0.9
    resamples: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if self.metric not in METRICS:
            refuse("gate", "metric", FILE, f"one of {sorted(METRICS)}", self.metric)
        inner = ("capacity_share", "largest_share", "chance", "level")
        shares = ("margin", "non_inferiority", "segment_fall", "calibration_rise")
        counts = ("recent_days", "wanted_positives", "min_positives", "max_age_days", "resamples")
        check_numbers(
            self,
            "gate",
            FILE,
            **dict.fromkeys(inner, INNER_SHARE),
            **dict.fromkeys(shares, SHARE),
            **dict.fromkeys(counts, COUNT),
            half_life_days=POSITIVE,
            segment_positives=COUNT_OR_NONE,
            latency_ratio=Allowed(least=1),
            negligible_s=NOT_NEGATIVE,
            seed=COUNT_OR_NONE,
        )
