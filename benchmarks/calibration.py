"""How often the answer's sentences are wrong, as a whole procedure: simulated studies, and studies drawn from a table of real networks.

    python benchmarks/calibration.py                                 # 2,000 simulated studies a cell
    python benchmarks/calibration.py --table nasbench201_cifar10.csv # and studies of real searches on NAS-Bench-201
    python benchmarks/calibration.py --studies 200 --only R=5        # some cells, quicker

Every cell simulates studies twice: without any difference between the families, and with a difference of exactly the margin. It counts
studies with at least one wrong statement: `better` where there is no difference, an interval of "better" that misses the true difference,
and `equal` where the difference is exactly the margin. Power is the share of studies that find the difference, beside what
`blockspace.reporting.power` says before any of them is run.

The model: an image is easy or hard for all networks alike, a network and a seed are better or worse as a whole, and a run errs on single
images; right is what adds up to more than zero. Accuracy 98 %, right or wrong correlates .42 between two networks, seeds have a standard
deviation of .37 points on 897 images and of .30 on 10,000, three seeds a network, one network a search: as measured on `hs_vs_resnext`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from scipy.stats import norm
from searched_pool import PoolCell, make_pool, read_table

from blockspace.formatting import format_table
from blockspace.reporting import (
    Circumstances,
    GivenSide,
    StudyDesign,
    compare_sides,
    compute_power,
    make_drawn_side,
    make_given_side,
    pool_seed_variance,
    predict_unit_variance,
)

SEED = 20_261_130  # fixed before the first run
MARGIN, ACCURACY, SEEDS = 0.005, 0.98, 3
IMAGE_SHARE = 0.778  # of the latent variance; right or wrong of two networks then correlates .42
SEED_SDS = {897: 0.0037, 10_000: 0.0030}  # of a run's accuracy, its own errors included
SURE = 5.0  # standard deviations of a run's error beyond which an image is right: one in three million is not
LOOKS = {"extended": (3, 5, 9, 12), "up to 12": (3, 6, 12)}
DRAWS = 2_000  # of the simulated critical value, where the answer has five times as many
MOST, LEAST, MOST_EQUAL = 0.065, 0.035, 0.06  # the limits


@dataclass(frozen=True)
class Cell:
    """One kind of study: the standard deviations between a family's networks (accuracy in 0..1), test images, searches of each family."""

    sds: tuple[float, ...]
    images: int
    searches: tuple[int, ...]
    has_baseline: bool = False
    looks: str = ""  # `extended` or `up to 12`

    @property
    def name(self) -> str:
        sds = "/".join(f"{100 * sd:g}" for sd in self.sds)
        searches = f"R={'/'.join(map(str, dict.fromkeys(self.searches)))}" if not self.looks else f"looks, {self.looks}"
        return f"sd {sds}, {self.images:,} images, {searches}{', baseline' if self.has_baseline else ''}"

    @property
    def may_be_conservative(self) -> bool:
        """Whether an error below the nominal one is expected: few degrees of freedom, several statements, or levels of several looks.

        Welch's t itself is wrong in 3.6 % of 100,000 studies of three searches, and in 4.4 % of five.
        """
        return min(self.searches) < 5 or self.looks != "" or self.has_baseline


@dataclass(frozen=True)
class Counted:
    """Shares of the simulated studies of one cell."""

    cell: Cell
    better: float
    missed: float
    equal: float
    power: float
    expected_power: float
    studies: int

    @property
    def holds(self) -> bool:
        """Whether the limits, which are those of 2,000 studies, are kept; with fewer they give way by two standard errors."""
        room = allow_for(self.studies)
        least = 0.0 if self.cell.may_be_conservative else LEAST - room
        return least <= self.better <= MOST + room and self.missed <= MOST + room and self.equal <= MOST_EQUAL + room


def allow_for(studies: int) -> float:
    """How much wider the limits are than those of 2,000 studies, at an error of 5 %."""
    return 2 * (0.05 * 0.95) ** 0.5 * max(0.0, studies**-0.5 - 2_000**-0.5)


def make_cells() -> list[Cell]:
    """Return all cells: equal variances, unequal ones, unequal numbers of searches, four families, looks."""
    cells = [Cell((sd, sd), n, (r, r)) for n in (897, 10_000) for sd in (0.0, 0.002, 0.004, 0.006) for r in (3, 5, 10)]
    cells += [Cell(sds, 897, (r, r)) for sds in ((0.002, 0.004), (0.002, 0.006)) for r in (3, 5, 10)]
    cells += [Cell(sds, 897, (3, 10)) for sds in ((0.004, 0.004), (0.002, 0.006), (0.006, 0.002))]
    cells += [Cell((0.002, 0.004), 897, (r, r), has_baseline=True) for r in (3, 5, 10)]
    cells += [Cell(sds, 897, (r,) * 4, has_baseline=True) for sds in ((0.004,) * 4, (0.0018, 0.0018, 0.0018, 0.006)) for r in (3, 5, 10)]
    return cells + [Cell((sd, sd), 897, (12, 12), looks=kind) for sd in (0.002, 0.004) for kind in ("extended", "up to 12")]


# the model


def draw_ease(random: numpy.random.Generator, images: int) -> numpy.ndarray:
    """How easy each image is, for all networks alike (images,)."""
    return IMAGE_SHARE**0.5 * random.standard_normal(images)


def draw_right(random: numpy.random.Generator, quality: numpy.ndarray, ease: numpy.ndarray) -> numpy.ndarray:
    """Right or wrong (networks, seeds, images) of runs of this quality (networks, seeds), all on the latent scale."""
    own = (1 - IMAGE_SHARE) ** 0.5
    right = numpy.ones((*quality.shape, len(ease)), dtype=bool)
    hard = quality.min() + ease < SURE * own
    errors = random.standard_normal((*quality.shape, int(hard.sum())), dtype=numpy.float32)
    right[..., hard] = errors * numpy.float32(own) + ease[hard].astype(numpy.float32) > -quality[..., None].astype(numpy.float32)
    return right


@dataclass(frozen=True)
class Simulation:
    """Studies of one cell: `shift` is what the first family is better by than all others (accuracy in 0..1)."""

    cell: Cell
    shift: float

    def slope_of(self, family: int) -> float:
        """Accuracy per unit of the latent scale."""
        return float(norm.pdf(norm.ppf(self.accuracy_of(family))))

    @property
    def noise_sd(self) -> float:
        """The standard deviation that single errors alone give a run's accuracy."""
        return (ACCURACY * (1 - ACCURACY) * (1 - 0.42) / self.cell.images) ** 0.5

    @property
    def own_seed_sd(self) -> float:
        """What a seed makes better or worse as a whole."""
        return max(0.0, SEED_SDS[self.cell.images] ** 2 - self.noise_sd**2) ** 0.5

    def accuracy_of(self, family: int) -> float:
        return ACCURACY + self.shift / 2 if family == 0 else ACCURACY - self.shift / 2

    def draw_family(self, random: numpy.random.Generator, ease: numpy.ndarray, family: int, networks: int) -> numpy.ndarray:
        """Right or wrong of a family's networks (networks, seeds, images), whose expected accuracy is `accuracy_of` to the letter."""
        is_baseline = family == len(self.cell.sds)
        spread = 0.0 if is_baseline else self.cell.sds[family] / self.slope_of(family)
        luck = self.own_seed_sd / self.slope_of(family)
        level = float(norm.ppf(self.accuracy_of(family))) * (1 + spread**2 + luck**2) ** 0.5
        quality = level + spread * random.standard_normal((networks, 1)) + luck * random.standard_normal((networks, SEEDS))
        return draw_right(random, quality, ease)

    def draw_study(self, random: numpy.random.Generator) -> list[numpy.ndarray]:
        """Right or wrong for each family, then the baseline if there is one, each (networks, seeds, images)."""
        ease = draw_ease(random, self.cell.images)
        counts = (*self.cell.searches, *((1,) if self.cell.has_baseline else ()))
        return [self.draw_family(random, ease, place, count) for place, count in enumerate(counts)]

    def true_difference(self, pair: tuple[int, int]) -> float:
        return self.accuracy_of(pair[0]) - self.accuracy_of(pair[1])


def design_of(cell: Cell) -> StudyDesign:
    """The study as its power is computed before it is run."""
    seed_sd = SEED_SDS[cell.images]
    variances = tuple(predict_unit_variance(sd, seed_sd, 1, SEEDS) for sd in cell.sds)
    runs = sum(cell.searches) + cell.has_baseline
    return StudyDesign(variances, min(cell.searches), GivenSide(seed_sd**2 / SEEDS, runs * (SEEDS - 1)) if cell.has_baseline else None)


# one study


def judge(families: Sequence[numpy.ndarray], cell: Cell, level: float) -> list[tuple[tuple[int, int], object]]:
    """Every statement of a study: the pair, and its intervals as the answer computes them."""
    runs = [network for family in families for network in family.astype(numpy.float64)]
    seeds = pool_seed_variance(runs)
    count = len(cell.sds)
    sides = [make_drawn_side(family.mean(axis=1), seeds, SEEDS) for family in families[:count]]
    if cell.has_baseline:
        sides.append(make_given_side([families[count][0].astype(numpy.float64)], seeds))
    pairs = design_of(cell).pairs
    return list(zip(pairs, compare_sides(sides, pairs, level, DRAWS)))


def answers_of(families: list[numpy.ndarray], cell: Cell) -> Iterator[list[tuple[tuple[int, int], object]]]:
    """The answers that a study gives: one, or one at each look."""
    if not cell.looks:
        yield judge(families, cell, 0.95)
        return
    for place, size in enumerate(LOOKS[cell.looks]):
        level = Circumstances(look=place + 1, is_sequential=cell.looks != "extended").compute_level(0.95)
        yield judge([family[:size] for family in families], cell, level)


def is_equal(interval) -> bool:
    return -MARGIN < interval.low and interval.high < MARGIN


def count(cell: Cell, studies: int, seed: int = SEED) -> Counted:
    """Simulate a cell's studies, without a difference and with one of exactly the margin."""
    random = numpy.random.default_rng([seed, *map(ord, cell.name)])
    better = missed = equal = shown = 0
    for shift in (0.0, MARGIN):
        model = Simulation(cell, shift)
        for _ in range(studies):
            answers = [
                [(model.true_difference(pair), claim) for pair, claim in answer] for answer in answers_of(model.draw_study(random), cell)
            ]
            told = [one for answer in answers for one in answer]
            if shift == 0:
                better += any(claim.better.excludes_zero for _, claim in told)
            else:
                missed += any(not claim.better.low <= true <= claim.better.high for true, claim in told)
                equal += any(is_equal(claim.equal) for true, claim in told if true)
                shown += answers[-1][0][1].better.low > 0
    design = design_of(cell)
    expected = compute_power(MARGIN, design.variance_of((0, 1)), design.share)
    is_plain = not cell.looks and len(set(cell.searches)) == 1
    return Counted(cell, *(found / studies for found in (better, missed, equal, shown)), expected if is_plain else float("nan"), studies)


# studies of real searches

POOL_CELLS = (PoolCell("random", 12), PoolCell("random", 50), PoolCell("tpe", 50))
POOL_IMAGES = 10_000
MOST_OF_A_POOL = 0.085  # of one cell; all cells together keep MOST


@dataclass(frozen=True)
class PoolCounted:
    """Shares of the studies drawn from searches: wrong is `better` of a space against itself, or an interval that misses the truth."""

    name: str
    wrong: float

    @property
    def holds(self) -> bool:
        return self.wrong <= MOST_OF_A_POOL


def draw_searches(random: numpy.random.Generator, pool: numpy.ndarray, ease: numpy.ndarray, searches: int, take: int) -> numpy.ndarray:
    """Right or wrong of the finalists of searches drawn from a pool (searches, take * seeds, images)."""
    accuracies = pool[random.integers(0, len(pool), searches), :take].reshape(-1)
    slope = norm.pdf(norm.ppf(accuracies))
    noise = accuracies * (1 - accuracies) * (1 - 0.42) / len(ease)
    luck = numpy.sqrt(numpy.maximum(0.0, SEED_SDS[POOL_IMAGES] ** 2 - noise)) / slope
    quality = (norm.ppf(accuracies) * numpy.sqrt(1 + luck**2))[:, None] + luck[:, None] * random.standard_normal((len(accuracies), SEEDS))
    return draw_right(random, quality, ease).reshape(searches, take * SEEDS, -1)


def count_pools(pools: dict[str, numpy.ndarray], studies: int, seed: int = SEED) -> list[PoolCounted]:
    """Draw studies of two families: twice the same kind of search (A/A), and two kinds whose true difference is known (A/B)."""
    names = list(pools)
    pairs = [(name, name) for name in names] + list(zip(names, names[1:]))
    counted = []
    for first, second in pairs:
        for searches in (3, 5, 10):
            for take in (1, 2):
                name = f"{first} against {'itself' if first == second else second}, take {take}, R={searches}"
                random = numpy.random.default_rng([seed, *map(ord, name)])
                truth = float(pools[first][:, :take].mean() - pools[second][:, :take].mean())
                wrong = 0
                for _ in range(studies):
                    ease = draw_ease(random, POOL_IMAGES)
                    units = [draw_searches(random, pools[one], ease, searches, take) for one in (first, second)]
                    runs = [network for unit in units for network in unit.reshape(-1, SEEDS, POOL_IMAGES).astype(numpy.float64)]
                    seeds = pool_seed_variance(runs)
                    sides = [make_drawn_side(unit.mean(axis=1), seeds, take * SEEDS) for unit in units]
                    found = compare_sides(sides, [(0, 1)], draws=DRAWS)[0].better
                    wrong += not found.low <= truth <= found.high
                counted.append(PoolCounted(name, wrong / studies))
    return counted


def tabulate_pools(counted: Sequence[PoolCounted]) -> str:
    rows = [[one.name, f"{100 * one.wrong:.1f}", "yes" if one.holds else "NO"] for one in counted]
    every = sum(one.wrong for one in counted) / len(counted)
    rows.append(["all together", f"{100 * every:.1f}", "yes" if every <= MOST else "NO"])
    return format_table(["searches on NAS-Bench-201", "wrong %", "holds"], rows, style="markdown")


# tables


def tabulate(counted: Sequence[Counted]) -> str:
    header = ["cell", "false better %", "not covered %", "false equal %", "power at the margin %", "said before %", "holds"]
    rows = [
        [one.cell.name, *(f"{100 * v:.1f}" for v in (one.better, one.missed, one.equal, one.power)),
         "-" if numpy.isnan(one.expected_power) else f"{100 * one.expected_power:.0f}", "yes" if one.holds else "NO"]
        for one in counted
    ]  # fmt: skip
    return format_table(header, rows, style="markdown")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--only", default="", help="cells whose name holds this text")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--searches", type=int, default=200, help="in the pool of each kind of search")
    parser.add_argument("--table", type=Path, help="NAS-Bench-201's accuracies, as CSV")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.studies:,} studies a cell and kind")
    counted = []
    for cell in make_cells():
        if options.only in cell.name:
            begin = time.monotonic()
            counted.append(count(cell, options.studies, options.seed))
            print(f"{tabulate(counted[-1:]).splitlines()[-1]} {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    if counted:
        print(tabulate(counted))
    pooled = count_table(options.table, options.studies // 4, options.searches) if options.table else []
    if pooled:
        print("\n" + tabulate_pools(pooled))
    every = sum(one.wrong for one in pooled) / max(1, len(pooled))
    return 0 if all(one.holds for one in [*counted, *pooled]) and every <= MOST else 1


def count_table(path: Path, studies: int, searches: int) -> list[PoolCounted]:
    """Search the table and count the studies drawn from it; nothing where there is no table."""
    if not path.is_file():
        print(f"skipped: there is no {path}")
        return []
    table = read_table(path)
    pools = {}
    for cell in POOL_CELLS:
        begin = time.monotonic()
        pools[cell.name] = make_pool(table, cell, searches)
        print(f"{searches} searches {cell.name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return count_pools(pools, studies)


if __name__ == "__main__":
    sys.exit(main())
