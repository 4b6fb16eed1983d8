"""The answer of a study: which family is better at equal cost, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy

from blockspace.reporting.bootstrap import Interval, bootstrap_difference

EQUAL = 0.02  # costs that differ by at most this share count as equal
EQUAL_MEASURED = 0.03  # the same of latency, which repeats within about 3 %


@dataclass(frozen=True, eq=False)
class ScoredFinalist:
    """A network retrained with several seeds and scored on the test images.

    `costs` by name (macs at batch 1, params, latency as a ratio to the baseline). `correct` (bool) and `log_loss` (nats) are
    `(seeds, images)`, the images being the same, in the same order, for all finalists. `repeat` is the search that found it, from 0;
    `is_random` is true of a network that was drawn, not found.
    """

    family: str
    name: str
    costs: Mapping[str, float]
    correct: numpy.ndarray
    log_loss: numpy.ndarray
    repeat: int = 0
    is_random: bool = False


Family = tuple[str, list[ScoredFinalist]]


@dataclass(frozen=True)
class NetworkScore:
    """One network's test result: accuracy in 0..1 and log-loss in nats, mean and standard deviation over seeds (None with one seed)."""

    family: str
    name: str
    costs: Mapping[str, float]
    seeds: int
    accuracy: float
    accuracy_sd: float | None
    log_loss: float
    log_loss_sd: float | None


@dataclass(frozen=True)
class FamilyDifference:
    """`first` minus `second`: accuracy (0..1) and log-loss (nats) with their intervals.

    `cost_ratio` is first's mean cost over second's, `latency_ratio` the same of latency, where that was measured.
    """

    first: str
    second: str
    accuracy: Interval
    log_loss: Interval
    cost: str
    cost_ratio: float | None
    images: int
    seeds: int
    level: float
    latency_ratio: float | None = None

    def sentence(self) -> str:
        """Return what the data says of accuracy, in one sentence that names the interval, the cost and the size of the test."""
        better, worse, sign = (self.first, self.second, 1) if self.accuracy.estimate >= 0 else (self.second, self.first, -1)
        points = self.accuracy.estimate * sign * 100
        ends = sorted((self.accuracy.low * sign * 100, self.accuracy.high * sign * 100))
        interval = f"({self.level * 100:.0f} % interval {ends[0]:.1f} to {ends[1]:.1f})"
        size = f"on {self.images:,} test images, {self.size()}"
        if self.accuracy.excludes_zero:
            return f"{better} is better than {worse} by {points:.1f} points of accuracy {interval} {self.at_cost(sign)} {size}"
        cost = self.at_cost(sign, better)
        comma = "," if cost.startswith(better) else ""
        difference = f"difference {points:.1f} points of accuracy {interval}{comma} {cost} {size}"
        return f"{better} and {worse} are not distinguishable at this size: {difference}"

    def at_cost(self, sign: int = 1, who: str = "") -> str:
        """Return by how much the better one (named `who`) costs more or less: "at equal macs and with 5.0 % more latency"."""
        counted = at_ratio(self.cost, self.cost_ratio, sign, who)
        if self.latency_ratio is None or self.cost == "latency":
            return counted
        measured = at_ratio("latency", self.latency_ratio, sign, who)
        lead = f"{who} with "
        if who and counted.startswith(lead):
            measured = measured.removeprefix(lead)
        return f"{counted}{', ' if who and measured.startswith(lead) else ' and '}{measured}"

    def size(self) -> str:
        """Return how many seeds there are, with a warning where there is one only."""
        return f"{self.seeds} seeds" if self.seeds > 1 else "1 seed (what another seed would change is not in the interval)"


def at_ratio(cost: str, ratio: float | None, sign: int, who: str) -> str:
    """Return one cost: "at equal macs", "with 5.0 % more macs"; `sign` is negative when the better one is the second."""
    if ratio is None:
        return f"at unknown {cost}"
    ratio = ratio if sign > 0 else 1 / ratio
    if abs(ratio - 1) <= (EQUAL_MEASURED if cost == "latency" else EQUAL):
        return f"at equal {cost}"
    return f"{f'{who} ' if who else ''}with {abs(ratio - 1) * 100:.1f} % {'more' if ratio > 1 else 'less'} {cost}"


@dataclass(frozen=True)
class Missing:
    """Something that a study asked for and its answer lacks: the `kind` (`family`, `finalist`, `seed` or `trial`), its name, and why."""

    kind: str
    name: str
    reason: str

    def sentence(self) -> str:
        """Return it as a line of the answer: `missing: family mix, none within the budget (nearest 1.42x)`."""
        return f"missing: {self.kind} {self.name}, {self.reason}"


@dataclass(frozen=True)
class Answer:
    """Per network the test result, per pair of families the difference, and each family against the baseline when there is one.

    `missing` is what the study asked for and has no result.
    """

    rows: tuple[NetworkScore, ...]
    differences: tuple[FamilyDifference, ...]
    against_baseline: tuple[FamilyDifference, ...]
    images: int
    missing: tuple[Missing, ...] = ()

    def sentence(self) -> str:
        """Return the comparison between families, one line a pair; of a single family, that against the baseline."""
        return "\n".join(d.sentence() for d in self.differences or self.against_baseline)

    def sentences(self) -> list[str]:
        """Return one sentence for each difference, the baseline's last. Each interval holds by itself, not all together."""
        return [d.sentence() for d in (*self.differences, *self.against_baseline)]


def compare_families(
    finalists: Sequence[ScoredFinalist],
    baseline: ScoredFinalist | None = None,
    *,
    cost: str = "macs",
    against: str | None = None,
    seed: int = 0,
    draws: int = 5_000,
    level: float = 0.95,
) -> Answer:
    """Compare the families of these finalists, in the order they first come, and each with the baseline.

    Every family is compared with every other, or, when one is named by `against`, with that one only.
    A family's score is the mean over its finalists and their seeds. The scheme of the intervals is in `blockspace.reporting.bootstrap`; the
    result is a function of the arguments. Raises ValueError when there is no finalist or the arrays are not over the same images.
    """
    everyone = [*finalists, *([baseline] if baseline else [])]
    images = check_images(finalists, everyone)
    families: dict[str, list[ScoredFinalist]] = {}
    for finalist in finalists:
        families.setdefault(finalist.family, []).append(finalist)

    def between(first: Family, second: Family) -> FamilyDifference:
        return difference_between(first, second, cost, seed, draws, level)

    found = [(first, second) for first, second in combinations(families.items(), 2) if against in (None, first[0], second[0])]
    pairs = tuple(between(first, second) for first, second in found)
    base = tuple(between(family, ("the baseline", [baseline])) for family in families.items()) if baseline else ()
    return Answer(tuple(score_network(finalist) for finalist in everyone), pairs, base, images)


def check_images(finalists: Sequence[ScoredFinalist], everyone: Sequence[ScoredFinalist]) -> int:
    """Return the number of test images. Raises ValueError when it is not the same for all."""
    if not finalists:
        raise ValueError("compare: no finalists")
    images = int(everyone[0].correct.shape[-1])
    for one in everyone:
        if one.correct.ndim != 2 or one.correct.shape != one.log_loss.shape or one.correct.shape[1] != images:
            shapes = f"correct {one.correct.shape}, log_loss {one.log_loss.shape}"
            raise ValueError(f"compare: {one.name}: {shapes}, expected (seeds, {images}) for both")
    return images


def difference_between(first: Family, second: Family, cost: str, seed: int, draws: int, level: float) -> FamilyDifference:
    """Return one group of networks minus another."""
    (name, group), (other, others) = first, second
    accuracy = bootstrap_difference([f.correct for f in group], [f.correct for f in others], seed, draws, level)
    log_loss = bootstrap_difference([f.log_loss for f in group], [f.log_loss for f in others], seed, draws, level)
    everyone = [*group, *others]
    seeds = min(len(f.correct) for f in everyone)
    images = everyone[0].correct.shape[1]
    ratios = {kind: cost_ratio(group, others, kind) for kind in (cost, "latency")}
    return FamilyDifference(name, other, accuracy, log_loss, cost, ratios[cost], images, seeds, level, ratios["latency"])


def cost_ratio(group: Sequence[ScoredFinalist], others: Sequence[ScoredFinalist], cost: str) -> float | None:
    """Return the first group's mean cost over the second's; None when one of them is not known."""
    here, there = mean_cost(group, cost), mean_cost(others, cost)
    return here / there if here and there else None


def mean_cost(group: Sequence[ScoredFinalist], cost: str) -> float | None:
    """Return the group's mean cost, None when one of it is not known."""
    known = [value for finalist in group if (value := finalist.costs.get(cost)) is not None]
    return float(numpy.mean(known)) if len(known) == len(group) else None


def score_network(finalist: ScoredFinalist) -> NetworkScore:
    """Return one network's mean and spread over seeds."""
    accuracy, log_loss = finalist.correct.mean(axis=1), finalist.log_loss.mean(axis=1)
    seeds = len(accuracy)
    spreads = [float(values.std(ddof=1)) if seeds > 1 else None for values in (accuracy, log_loss)]
    name = (finalist.family, finalist.name, dict(finalist.costs), seeds)
    return NetworkScore(*name, float(accuracy.mean()), spreads[0], float(log_loss.mean()), spreads[1])
