"""Intervals that hold for all statements of a study together.

The difference of two sides has the variance V = v1 + v2 + I: that of each side's mean over its units (estimated per side, never pooled,
because families differ), and the images' own. (d - true) / sqrt(V) is Student's t with the degrees of freedom of Satterthwaite (1946),
each statement with its own. For several statements the share of error a single one may have is simulated from the study's own variances
and numbers of units: the quantile of the smallest two-sided p of all statements when there is no difference. In each draw every side's
mean and every variance is drawn anew, as the study would estimate it (a parametric bootstrap). Images are drawn independently for each
statement, which makes the intervals no shorter (Sidak, 1967). One statement alone is Welch's t test.

Welch's t is wrong in up to 7.2 % instead of 5 % of studies where a family has three searches and another ten: the few searches' variance
comes out small by chance, and the degrees of freedom then follow the many. Between drawn sides of f < F degrees of freedom they are
therefore at most f (1 + f / F), which changes nothing where both are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy.special import stdtr, stdtrit

from blockspace.reporting.bootstrap import Interval
from blockspace.reporting.sides import Side, estimate_image_variance

DRAWS = 10_000
SEED = 20_967
MOST_FREEDOM = 1e6  # a t distribution is normal long before

Pair = tuple[int, int]


@dataclass(frozen=True)
class ClaimIntervals:
    """The intervals of one statement: `better` at the study's level, `equal` at the level of two one-sided tests (90 % of 95 %)."""

    better: Interval
    equal: Interval


def compare_sides(
    sides: Sequence[Side], pairs: Sequence[Pair], level: float = 0.95, draws: int = DRAWS, simultaneous: bool = True
) -> list[ClaimIntervals]:
    """Return the intervals of first minus second for each pair of sides, that hold together unless `simultaneous` is false.

    The result is a function of the arguments.
    """
    images = [estimate_image_variance(sides[i], sides[j]) for i, j in pairs]
    variances, freedoms = [side.variance for side in sides], [side.freedom for side in sides]
    is_joint = simultaneous and len(pairs) > 1
    caps = [cap_freedom(sides[i], sides[j]) for i, j in pairs]
    smallest = simulate_smallest_p(variances, freedoms, pairs, images, draws, caps) if is_joint else None
    shares = [find_share(smallest, error) for error in (1 - level, 2 * (1 - level))]
    found = []
    for (i, j), own, cap in zip(pairs, images, caps):
        first, second = sides[i], sides[j]
        estimate = float(first.per_image.mean() - second.per_image.mean())
        parts = numpy.array([first.variance, second.variance])
        variance = float(parts.sum()) + own
        freedom = float(compute_freedom(parts, numpy.array([first.freedom, second.freedom]), numpy.array(variance), cap))
        better, equal = (make_t_interval(estimate, variance, freedom, share, smallest) for share in shares)
        found.append(ClaimIntervals(better, equal))
    return found


def simulate_smallest_p(
    variances: Sequence[float],
    freedoms: Sequence[int],
    pairs: Sequence[Pair],
    images: Sequence[float],
    draws: int = DRAWS,
    caps: Sequence[float] | None = None,
) -> numpy.ndarray:
    """Return `(draws,)` smallest p of all pairs, where no side differs from another.

    `variances` are of the sides' means, `freedoms` theirs (0: the variance is not known, and taken as none), `images` the images' own
    variance of each pair's difference, `caps` the most degrees of freedom that the units of each pair may give.
    """
    random = numpy.random.default_rng(SEED)
    known, freedom = numpy.asarray(variances, dtype=float), numpy.asarray(freedoms, dtype=float)
    means = random.normal(size=(draws, len(known))) * numpy.sqrt(known)
    divisor = numpy.maximum(freedom, 1.0)
    estimated = known * random.chisquare(divisor, size=means.shape) / divisor
    smallest = numpy.ones(draws)
    for (i, j), own, cap in zip(pairs, images, caps or [MOST_FREEDOM] * len(pairs)):
        parts = estimated[:, [i, j]]
        variance = parts.sum(axis=1) + own
        error = means[:, i] - means[:, j] + random.normal(size=draws) * numpy.sqrt(own)
        p = 2 * stdtr(compute_freedom(parts, freedom[[i, j]], variance, cap), -numpy.abs(error) / numpy.sqrt(variance))
        smallest = numpy.minimum(smallest, p)
    return smallest


def cap_freedom(first: Side, second: Side) -> float:
    """Return the most degrees of freedom that the units of two sides may give, where both were drawn; twice one's where both are equal."""
    few, many = sorted((first.freedom, second.freedom))
    return few * (1 + few / many) if first.is_drawn and second.is_drawn else MOST_FREEDOM


def compute_freedom(
    parts: numpy.ndarray, freedoms: numpy.ndarray, variance: numpy.ndarray, cap: float = MOST_FREEDOM
) -> numpy.ndarray:
    """Return Satterthwaite's degrees of freedom of `variance`, of which `parts` `(..., 2)` were estimated with `freedoms` `(2,)`.

    `cap` is the most that the parts by themselves may have.
    """
    squares = (parts**2 / numpy.maximum(freedoms, 1.0)).sum(axis=-1)
    squares = numpy.maximum(squares, parts.sum(axis=-1) ** 2 / cap)
    freedom: numpy.ndarray = numpy.minimum(variance**2 / numpy.maximum(squares, 1e-300), MOST_FREEDOM)
    return freedom


def find_share(smallest: numpy.ndarray | None, error: float) -> float:
    """Return the two-sided error that one statement may have, so that all together have `error`; `smallest` is None for one alone."""
    return error if smallest is None else min(error, float(numpy.quantile(smallest, error)))


def make_t_interval(estimate: float, variance: float, freedom: float, share: float, smallest: numpy.ndarray | None) -> Interval:
    """Return the interval whose two-sided error is `share`; its p is adjusted for the statements that `smallest` was simulated of."""
    sd = variance**0.5
    half = float(stdtrit(freedom, 1 - share / 2)) * sd
    alone = 2 * float(stdtr(freedom, -abs(estimate) / sd))
    p = alone if smallest is None else max(alone, float((smallest <= alone).mean()))
    return Interval(estimate, estimate - half, estimate + half, p)
