"""The sides of a comparison: what is averaged, over which units, and how far that average would vary.

A unit is what was drawn independently: a whole search, of which a side has the finalists of one family, averaged; or a random network.
A side of given networks (the baseline, or the finalists of fewer than three searches) has no such units: only its seeds would be others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy

from blockspace.reporting.bootstrap import Runs, group_mean

SEEDS_SHARE = 0.05  # units that agree by chance are no certainty: their variance is at least this share of what seeds alone make
LEAST_VARIANCE = 1e-10  # of accuracies in 0..1: a thousandth of a point


@dataclass(frozen=True, eq=False)
class Side:
    """The average of a side, and what is known of its error.

    `per_image` is the mean over units for each test image `(images,)`. `variance` is that of the side's mean over units, or over seeds
    where networks are given (not `is_drawn`), with `freedom` degrees of freedom. `noise` is the part of the mean's variance over images
    that comes from single runs' errors on single images, and is therefore inside `variance` too. `units` is how many there are.
    """

    per_image: numpy.ndarray
    variance: float
    freedom: int
    noise: float
    units: int
    is_drawn: bool = True


@dataclass(frozen=True)
class SeedVariance:
    """The variance of a run's mean over seeds, pooled over networks (one recipe, so one variance), and its degrees of freedom."""

    variance: float
    freedom: int


def pool_seed_variance(networks: Runs) -> SeedVariance:
    """Return the variance of runs `(seeds, images)` around their network's mean; 0 with no freedom where no network has two seeds."""
    freedom = sum(len(runs) - 1 for runs in networks)
    squares = sum(float(((runs.mean(axis=1) - runs.mean()) ** 2).sum()) for runs in networks)
    return SeedVariance(squares / freedom if freedom else 0.0, freedom)


def stack_units(runs: Sequence[tuple[int, numpy.ndarray]]) -> numpy.ndarray:
    """Return `(units, images)` from pairs of a unit's number and one network's runs `(seeds, images)`: a unit is its networks, averaged."""
    ordered = sorted(runs, key=lambda pair: pair[0])
    return numpy.stack([group_mean([own for _, own in group]) for _, group in groupby(ordered, key=lambda pair: pair[0])])


def make_drawn_side(units: numpy.ndarray, seeds: SeedVariance, trainings: float = 1.0) -> Side:
    """Return the side of units `(units, images)` that were drawn; `trainings` is how many a unit averages.

    Raises ValueError for fewer than two units, of which no variance is known.
    """
    count, images = units.shape
    if count < 2:
        raise ValueError(f"a side of {count} unit has no variance")
    floor = max(SEEDS_SHARE * seeds.variance / trainings, LEAST_VARIANCE)
    variance = max(float(units.mean(axis=1).var(ddof=1)), floor)
    noise = float(units.var(axis=0, ddof=1).mean()) / count / images
    return Side(units.mean(axis=0), variance / count, count - 1, noise, count)


def make_given_side(networks: Runs, seeds: SeedVariance) -> Side:
    """Return the side of networks `(seeds, images)` that are given: training them again is all that would vary."""
    count = len(networks)
    share = sum(1 / len(runs) for runs in networks) / count**2
    noises = [float(runs.var(axis=0, ddof=1).mean()) / len(runs) / runs.shape[1] for runs in networks if len(runs) > 1]
    return Side(group_mean(networks), seeds.variance * share, seeds.freedom, sum(noises) / count**2, count, is_drawn=False)


def estimate_image_variance(first: Side, second: Side) -> float:
    """Return what other test images would change in the difference of two sides, beyond the errors of single runs."""
    difference = first.per_image - second.per_image
    return max(0.0, float(difference.var(ddof=1)) / len(difference) - first.noise - second.noise)
