"""Which difference a study would show, and how many searches would show one: the power of its statements.

A difference is shown when the interval of "better" excludes zero. That has the probability P(|T| > c), T the noncentral t of Welch's test:
the difference over its estimated standard error, with the degrees of freedom that the study would estimate too, and c the simultaneous
critical value of `blockspace.reporting.simultaneous`, simulated from the planned numbers of searches. Differences and standard deviations
are of accuracy in 0..1; 80 % is the usual power (Cohen, 1988).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy
from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit
from scipy.stats import chi2

from blockspace.reporting.simultaneous import Pair, compute_freedom, find_share, simulate_smallest_p

POWER = 0.8
MOST_SEARCHES = 200
PLAN_DRAWS = 4_000
RANGE = (0.1, 0.9)  # quantiles of the chi-square distribution, between which an estimated variance is believed
NODES = 48  # of Gauss and Legendre's quadrature, for each side


@dataclass(frozen=True)
class DifferenceVariance:
    """The variance of a difference: that of each side's mean, with its degrees of freedom (0: not estimated), and the images' own."""

    sides: tuple[float, float]
    freedoms: tuple[int, int]
    images: float = 0.0

    @property
    def total(self) -> float:
        """Return the variance of the difference."""
        return sum(self.sides) + self.images


@dataclass(frozen=True)
class GivenSide:
    """A side that more searches do not change, such as the baseline: its mean's variance, and the degrees of freedom of that."""

    variance: float
    freedom: int


@dataclass(frozen=True)
class StudyDesign:
    """A study as its power sees it.

    `unit_variances` are those between one family's searches, each the mean of its finalists (`predict_unit_variance`); `searches` is how
    many each family has. Each family is compared with each other, or with the first only (`to_first`), and with the `baseline`.
    `images` is the test images' own variance of a difference, 0 where it is not known.
    """

    unit_variances: tuple[float, ...]
    searches: int
    baseline: GivenSide | None = None
    to_first: bool = False
    images: float = 0.0
    level: float = 0.95

    @property
    def pairs(self) -> list[Pair]:
        """Return the pairs of families that are compared, then each family with the baseline, whose place is behind them."""
        count = len(self.unit_variances)
        among = [pair for pair in combinations(range(count), 2) if not self.to_first or pair[0] == 0]
        return among + [(place, count) for place in range(count) if self.baseline]

    @property
    def share(self) -> float:
        """Return the two-sided error that each statement may have, so that all together have 1 - level."""
        return simulate_share(self)

    def with_searches(self, searches: int) -> StudyDesign:
        """Return the same study with another number of searches."""
        return replace(self, searches=searches)

    def variance_of(self, pair: Pair, factor: float = 1.0) -> DifferenceVariance:
        """Return the variance of a pair's difference; the families' variances times `factor`."""
        (first, freedom), (second, other) = (self._side(place, factor) for place in pair)
        return DifferenceVariance((first, second), (freedom, other), self.images)

    def _side(self, place: int, factor: float) -> tuple[float, int]:
        if place < len(self.unit_variances):
            return factor * self.unit_variances[place] / self.searches, self.searches - 1
        return (self.baseline.variance, self.baseline.freedom) if self.baseline else (0.0, 0)

    @property
    def widest_pair(self) -> Pair:
        """Return the pair of families whose difference is known worst; of one family, it and the baseline."""
        return max(self.pairs, key=lambda pair: (pair[1] < len(self.unit_variances), self.variance_of(pair).total))


@lru_cache(maxsize=256)
def simulate_share(design: StudyDesign) -> float:
    """Return the two-sided error that each statement of a study may have."""
    if len(design.pairs) < 2:
        return 1 - design.level
    variances = [variance / design.searches for variance in design.unit_variances]
    freedoms = [design.searches - 1] * len(variances)
    if design.baseline:
        variances, freedoms = [*variances, design.baseline.variance], [*freedoms, design.baseline.freedom]
    smallest = simulate_smallest_p(variances, freedoms, design.pairs, [design.images] * len(design.pairs), PLAN_DRAWS)
    return find_share(smallest, 1 - design.level)


def predict_unit_variance(network_sd: float, seed_sd: float, networks: int, seeds: int) -> float:
    """Return the variance between searches of the mean of their `networks` finalists with `seeds` seeds each.

    `network_sd` is between finalists of different searches, `seed_sd` between trainings of one network on the same test images.
    """
    return (network_sd**2 + seed_sd**2 / seeds) / networks


def compute_power(difference: float, variance: DifferenceVariance, share: float) -> float:
    """Return the probability that a true difference is shown by an interval whose two-sided error is `share`."""
    nodes, weights = numpy.polynomial.legendre.leggauss(NODES)  # quadrature over both variances as they would be estimated
    ratios = [chi2.ppf((nodes + 1) / 2, freedom) / freedom if freedom else numpy.ones(NODES) for freedom in variance.freedoms]
    parts = numpy.stack(numpy.meshgrid(*ratios), axis=-1) * numpy.array(variance.sides)
    estimated = parts.sum(axis=-1) + variance.images
    freedom = compute_freedom(parts, numpy.array(variance.freedoms), estimated)
    bounds = stdtrit(freedom, 1 - share / 2) * numpy.sqrt(estimated / variance.total)
    shift = abs(difference) / variance.total**0.5
    return float(weights @ (ndtr(shift - bounds) + ndtr(-shift - bounds)) @ weights / 4)


def find_shown_difference(design: StudyDesign, pair: Pair | None = None, power: float = POWER) -> float:
    """Return the difference that the study shows with this probability, of a pair (unset: the one that is known worst)."""
    variance, share = design.variance_of(pair or design.widest_pair), design.share
    most = variance.total**0.5
    while compute_power(most, variance, share) < power:
        most *= 2
    found: float = brentq(lambda difference: compute_power(difference, variance, share) - power, 0.0, most)
    return found


SearchRange = tuple[int | None, int | None]  # None: more than MOST_SEARCHES


def searches_to_show(
    design: StudyDesign, difference: float, freedoms: Sequence[int] | None = None, pair: Pair | None = None, power: float = POWER
) -> SearchRange:
    """Return how many searches of each family would show a difference with this probability, at least and at most.

    `freedoms` are the degrees of freedom with which each family's variance was estimated: the range comes from the limits that an
    estimated variance has. None: the variances are known, and both numbers are equal.
    """
    pair = pair or design.widest_pair
    low, high = find_variance_range(design, freedoms, pair) if freedoms else (1.0, 1.0)

    def is_shown(searches: int, factor: float) -> bool:
        planned = design.with_searches(searches)
        return compute_power(difference, planned.variance_of(pair, factor), planned.share) >= power

    least = find_least(lambda searches: is_shown(searches, low))
    return least, find_least(lambda searches: is_shown(searches, high), least or MOST_SEARCHES)


def find_variance_range(design: StudyDesign, freedoms: Sequence[int], pair: Pair) -> tuple[float, float]:
    """Return by which factors the variances of a pair's families may be smaller or larger than they were estimated."""
    families = [place for place in pair if place < len(design.unit_variances)]
    parts = numpy.array([design.unit_variances[place] for place in families])
    freedom = float(compute_freedom(parts, numpy.array([freedoms[place] for place in families]), parts.sum()))
    low, high = (freedom / float(chi2.ppf(quantile, freedom)) for quantile in reversed(RANGE))
    return low, high


def find_least(holds: Callable[[int], bool], least: int = 3) -> int | None:
    """Return the smallest number of searches from `least` on that holds, by bisection; None where MOST_SEARCHES do not."""
    if not holds(MOST_SEARCHES):
        return None
    low, high = least - 1, least
    while not holds(high):
        low, high = high, min(2 * high, MOST_SEARCHES)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
