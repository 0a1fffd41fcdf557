"""What may be looked at every day: intervals and tests that hold at all times at once.

A fixed-sample test asked daily finds a difference sooner or later where there is none. These do
not: the probability that they ever err, over all days, is at most alpha (for the intervals: as
counts grow).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log, sqrt

from scipy.special import gammaln

TIGHT_AT = 10_000  # entities at which the intervals are tightest; they hold at any number
CONCENTRATION = 1_000.0  # of the prior over shares: departures of about 3 % are what it looks for


@dataclass(frozen=True)
class Sample:
    """What is known of a quantity in one arm.

    Attributes:
        n: Entities.
        total: Sum of the quantity over them.
        squares: Sum of its squares.
    """

    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """Its mean; 0 without entities."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance_of_mean(self) -> float:
        """Variance of the mean; infinite without two entities."""
        if self.n < 2:  # noqa: PLR2004 (a variance takes two)
            return float("inf")
        spread = max(self.squares - self.total * self.mean, 0.0) / (self.n - 1)
        return spread / self.n


@dataclass(frozen=True)
class Interval:
    """A value with what it may be."""

    value: float
    low: float
    high: float


def difference(ours: Sample, theirs: Sample, alpha: float, factor: float = 1.0) -> Interval:
    """Bound ``mean of ours - factor * mean of theirs`` at all times at once.

    The asymptotic confidence sequence with Robbins' normal mixture: Waudby-Smith, Arbour, Sinha,
    Kennedy and Ramdas (2021), "Time-uniform central limit theory and asymptotic confidence
    sequences", arXiv:2103.06476, theorem 2.2, with the two arms' variances added as for means.

    Args:
        ours: The variant's arm.
        theirs: The control's arm.
        alpha: Probability of ever missing the true value.
        factor: What the control's mean is multiplied by.

    Returns:
        The interval; unbounded while an arm has fewer than two entities.
    """
    value = ours.mean - factor * theirs.mean
    variance = ours.variance_of_mean + factor**2 * theirs.variance_of_mean
    if not isfinite(variance):
        return Interval(value, -float("inf"), float("inf"))
    evidence = (ours.n + theirs.n) * _mixture(alpha)
    half = sqrt(variance * 2 * (evidence + 1) / evidence * log(sqrt(evidence + 1) / alpha))
    return Interval(value, value - half, value + half)


def unlikely_shares(counts: Sequence[int], shares: Mapping[str, float]) -> float:
    """Weigh how badly entities fit the shares they were dealt by: a test of the sample ratio.

    The Bayes factor of a Dirichlet-multinomial mixture against the exact shares, which is an
    e-value at every number of entities: Lindon and Malek (2022), "Anytime-valid inference for
    multinomial count data", arXiv:2011.03567, equation 8.

    Args:
        counts: Entities by variant, in the order of ``shares``.
        shares: Share of each variant.

    Returns:
        The e-value's logarithm; at or above ``log(1 / alpha)`` at any time: dealt otherwise, with
        a false alarm's probability of at most alpha.
    """
    total, evidence = sum(counts), 0.0
    for count, share in zip(counts, shares.values(), strict=True):
        prior = CONCENTRATION * share
        evidence += float(gammaln(prior + count) - gammaln(prior)) - count * log(share)
    return evidence - float(gammaln(CONCENTRATION + total) - gammaln(CONCENTRATION))


def _mixture(alpha: float) -> float:
    """Square of the mixture's scale that is tightest at ``TIGHT_AT`` (there, appendix B.2)."""
    doubled = -2 * log(alpha)
    return (doubled + log(doubled + 1)) / TIGHT_AT
