"""Statistics that need independent draws of networks: the best of n in expectation, and distributions with a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy

ENOUGH_DRAWS = 3  # draws of a family from which a curve says something


@dataclass(frozen=True)
class IndependentDraws:
    """A metric of networks that were drawn independently of each other, by family.

    `source` says which networks they are, `metric` is a quantity of the validation or the test split, as it is stored (accuracy in 0..1).
    """

    source: str
    metric: str
    values: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class BestOf:
    """The best of `count` draws: its expectation and its standard deviation."""

    count: int
    mean: float
    deviation: float


@dataclass(frozen=True)
class TwoSampleTest:
    """A two-sided Kolmogorov-Smirnov test of two families: the sizes, the largest distance of the two EDFs, and its p value."""

    first: str
    second: str
    sizes: tuple[int, int]
    distance: float
    p: float


def expect_best(values: Sequence[float], is_maximum: bool = True) -> list[BestOf]:
    """Return the expected best of 1, 2, ... draws, up to as many as there are values, with its standard deviation.

    The draws are taken with replacement from the values, so that P(best <= v) = F(v)^n for their EDF F (Dodge et al. 2019, "Show Your
    Work", equation 4): the expected validation performance of n random trials.
    """
    sign = 1.0 if is_maximum else -1.0
    ordered = numpy.sort(sign * numpy.asarray(values, float))
    shares, found = numpy.arange(len(ordered) + 1) / len(ordered), list[BestOf]()
    for count in range(1, len(ordered) + 1):
        weights = numpy.diff(shares**count)
        mean = float(weights @ ordered)
        found.append(BestOf(count, sign * mean, sqrt(float(weights @ (ordered - mean) ** 2))))
    return found


def compare_distributions(draws: IndependentDraws) -> list[TwoSampleTest]:
    """Return a test of each pair of families that have `ENOUGH_DRAWS` draws, in their order."""
    from scipy.stats import ks_2samp  # half a second to import

    known = [(family, values) for family, values in draws.values.items() if len(values) >= ENOUGH_DRAWS]
    found = []
    for (first, here), (second, there) in combinations(known, 2):
        test = ks_2samp(here, there)
        found.append(TwoSampleTest(first, second, (len(here), len(there)), float(test.statistic), float(test.pvalue)))
    return found
