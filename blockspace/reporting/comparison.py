"""The comparison of a study's finalists: which statements there are, of which unit, and their intervals.

The unit of a statement about a family is a search: the family's finalists of one repeat, averaged. From three searches on, statements are
of what searches like these find, with the scheme of `blockspace.reporting.simultaneous`; they hold together. With fewer, statements are of
these networks, with the bootstrap of `blockspace.reporting.bootstrap`, each by itself. Two searches add their interval, without a verdict.
Which scheme is used follows from the number of searches alone, never from the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Literal

from blockspace.reporting.answer import Answer, ScoredFinalist, score_network
from blockspace.reporting.bootstrap import bootstrap_difference
from blockspace.reporting.circumstances import Circumstances
from blockspace.reporting.difference import ENOUGH_SEARCHES, FamilyDifference
from blockspace.reporting.groups import Metric, NetworkGroup, compute_cost_ratio, group_networks
from blockspace.reporting.power import GivenSide, SearchRange, StudyDesign, searches_to_show
from blockspace.reporting.sentences import BASELINE_SIDE
from blockspace.reporting.sides import SeedVariance, Side, estimate_image_variance, pool_seed_variance
from blockspace.reporting.simultaneous import ClaimIntervals, compare_sides

ENOUGH_RANDOM = 3  # random networks of a family, below which nothing is said of its average network
METRICS: tuple[Metric, Metric] = ("correct", "log_loss")
PLAIN = Circumstances()


@dataclass(frozen=True)
class Comparison:
    """Two groups whose difference is stated."""

    kind: Literal["families", "baseline", "random"]
    first: NetworkGroup
    second: NetworkGroup

    @property
    def is_of_searches(self) -> bool:
        """Return whether the statement is about searches like these: there are enough of them."""
        found = [group for group in (self.first, self.second) if group.role == "found"]
        return all(group.searches >= ENOUGH_SEARCHES for group in found)

    @property
    def has_sides(self) -> bool:
        """Return whether an interval over units is stated: of searches, of two searches without a verdict, or of random networks."""
        fewest = min(group.searches for group in (self.first, self.second) if group.role == "found")
        return self.is_of_searches or self.kind == "random" or (self.kind == "families" and fewest >= 2)

    def is_drawn(self, group: NetworkGroup) -> bool:
        """Return whether a group's units were drawn, or its networks are given.

        The search side of a gain over random networks is searches where there are three or more, else these networks.
        """
        return group.role == "random" or (group.role == "found" and (self.kind != "random" or self.is_of_searches))


def compare_families(
    finalists: Sequence[ScoredFinalist],
    baseline: ScoredFinalist | None = None,
    *,
    cost: str = "macs",
    against: str | None = None,
    seed: int = 0,
    level: float = 0.95,
    margin: float = 0.005,
    circumstances: Circumstances = PLAIN,
) -> Answer:
    """Compare the families of these finalists, in the order they first come, and each with the baseline and its random networks.

    Every family is compared with every other, or, when one is named by `against`, with that one only. Differences of accuracy inside
    `margin` (0..1) count as equal. `level` is that of a study that answers once; `circumstances` may raise it. Finalists of repeats that
    are not whole are in no statement, unless there are no others. `seed` is of the bootstrap. The result is a function of the arguments.

    Raises ValueError when there is no finalist or the arrays are not over the same images.
    """
    everyone = [*finalists, *([baseline] if baseline else [])]
    images = check_images(finalists, everyone)
    whole = [one for one in finalists if one.repeat not in circumstances.open_repeats or one.is_random]
    has_whole = any(not one.is_random for one in whole)
    found = group_networks(whole if has_whole else finalists, is_random=False)
    comparisons = list_comparisons(found, group_networks(finalists, is_random=True), baseline, against)
    study = StudyComparison(comparisons, cost, seed, level, margin, against is not None, circumstances)
    parts = {kind: tuple(study.differences_of(kind)) for kind in ("families", "baseline", "random")}
    return Answer(
        tuple(score_network(finalist) for finalist in everyone), parts["families"], parts["baseline"], images, gains=parts["random"],
        repeats={name: group.searches for name, group in found.items()}, level=study.joint_level, look=circumstances.look,
        is_sequential=circumstances.is_sequential, open_repeats=circumstances.open_repeats if has_whole else (),
    )  # fmt: skip


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


def list_comparisons(
    found: Mapping[str, NetworkGroup], random: Mapping[str, NetworkGroup], baseline: ScoredFinalist | None, against: str | None
) -> list[Comparison]:
    """Return every comparison: pairs of families, each with the baseline, each with its random networks where there are enough."""
    pairs = [pair for pair in combinations(found.values(), 2) if against in (None, *(group.name for group in pair))]
    comparisons = [Comparison("families", *pair) for pair in pairs]
    if baseline:
        given = NetworkGroup(BASELINE_SIDE, "given", (baseline,))
        comparisons += [Comparison("baseline", group, given) for group in found.values()]
    drawn = [(found[name], group) for name, group in random.items() if name in found and len(group.networks) >= ENOUGH_RANDOM]
    return comparisons + [Comparison("random", *pair) for pair in drawn]


@dataclass(frozen=True)
class StudyComparison:
    """All comparisons of a study with what their intervals share."""

    comparisons: Sequence[Comparison]
    cost: str
    seed: int
    level: float
    margin: float
    to_first: bool
    circumstances: Circumstances

    def differences_of(self, kind: str) -> list[FamilyDifference]:
        """Return the differences of one kind."""
        return [self.make_difference(one) for one in self.comparisons if one.kind == kind]

    @cached_property
    def joint_level(self) -> float:
        """Return the level of what is `stated`; looks cost something only where families are spoken of."""
        speaks = any(one.is_of_searches for one in self.comparisons)
        return self.circumstances.compute_level(self.level) if speaks else self.level

    @cached_property
    def seed_variances(self) -> Mapping[Metric, SeedVariance]:
        """Return the variance over seeds of each metric, pooled over all networks."""
        groups = {(group.name, group.role): group for one in self.comparisons for group in (one.first, one.second)}
        return {metric: pool_seed_variance([runs for group in groups.values() for runs in group.values(metric)]) for metric in METRICS}

    @cached_property
    def stated(self) -> list[Comparison]:
        """Return the comparisons whose interval is over units; all of them hold together."""
        return [one for one in self.comparisons if one.has_sides]

    @cached_property
    def accuracy(self) -> list[ClaimIntervals]:
        """Return the simultaneous intervals of accuracy of what is `stated`."""
        return self.compare_groups("correct", simultaneous=True)

    @cached_property
    def log_loss(self) -> list[ClaimIntervals]:
        """Return the intervals of log-loss of what is `stated`, each by itself."""
        return self.compare_groups("log_loss", simultaneous=False)

    def compare_groups(self, metric: Metric, simultaneous: bool) -> list[ClaimIntervals]:
        """Return the intervals of one metric."""
        sides: list[Side] = []
        places: dict[tuple[str, str, bool], int] = {}
        pairs = []
        for one in self.stated:
            pair = []
            for group in (one.first, one.second):
                key = (group.name, group.role, one.is_drawn(group))
                if key not in places:
                    places[key] = len(sides)
                    sides.append(self.make_side(group, metric, one.is_drawn(group)))
                pair.append(places[key])
            pairs.append((pair[0], pair[1]))
        return compare_sides(sides, pairs, self.joint_level, simultaneous=simultaneous)

    def make_side(self, group: NetworkGroup, metric: Metric, drawn: bool) -> Side:
        """Return a group as the side of a comparison."""
        return group.make_side(metric, self.seed_variances[metric], drawn)

    def make_difference(self, one: Comparison) -> FamilyDifference:
        """Return one comparison's difference, over its units or, where these are too few, over images and seeds."""
        first, second = one.first, one.second
        everyone = [*first.networks, *second.networks]
        ratios = [compute_cost_ratio(first, second, cost) for cost in (self.cost, "latency")]
        claim = self.accuracy[self.stated.index(one)] if one.has_sides else None
        level = self.joint_level if claim else self.level
        is_over_units = claim is not None and (one.is_of_searches or one.kind == "random")
        if is_over_units and claim is not None:
            accuracy, log_loss = claim.better, self.log_loss[self.stated.index(one)].better
        else:
            accuracy, log_loss = (
                bootstrap_difference(first.values(metric), second.values(metric), self.seed, level=level) for metric in METRICS
            )
        difference = FamilyDifference(
            first.name, second.name, accuracy, log_loss, self.cost, ratios[0], everyone[0].correct.shape[1],
            min(len(network.correct) for network in everyone), level, ratios[1], one.kind,
            "search" if one.is_of_searches else "network", (len(first.networks), len(second.networks)), (first.searches, second.searches),
            len(self.stated) if claim else 1, self.margin, claim.equal if claim and one.is_of_searches else None,
            claim.better if claim and not is_over_units else None, None, self.circumstances.one_validation_split,
            self.circumstances.tuned_per_family and one.kind != "random",
        )  # fmt: skip
        return replace(difference, searches_needed=self.find_searches_needed(one)) if difference.verdict == "undecided" else difference

    def find_searches_needed(self, one: Comparison) -> SearchRange | None:
        """Return how many searches would show a difference of the margin; None for random networks, of which more would be needed too."""
        if one.kind == "random":
            return None
        families = {group.name: group for other in self.comparisons for group in (other.first, other.second) if group.role == "found"}
        enough = [group for group in families.values() if group.searches >= ENOUGH_SEARCHES]
        sides = [self.make_side(group, "correct", drawn=True) for group in enough]
        names = [group.name for group in enough]
        base = next((other.second for other in self.comparisons if other.kind == "baseline"), None)
        given = self.make_side(base, "correct", drawn=False) if base else None
        ends = [self.make_side(group, "correct", one.is_drawn(group)) for group in (one.first, one.second)]
        variances = tuple(side.variance * side.units for side in sides)
        fixed = GivenSide(given.variance, given.freedom) if given else None
        design = StudyDesign(variances, ENOUGH_SEARCHES, fixed, self.to_first, estimate_image_variance(*ends), self.joint_level)
        pair = (names.index(one.first.name), names.index(one.second.name) if one.kind == "families" else len(names))
        return searches_to_show(design, self.margin, [side.freedom for side in sides], pair)
