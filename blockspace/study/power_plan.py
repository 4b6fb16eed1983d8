"""What a study could show, said before it is run: the difference that its statements would find, and how many searches find the margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt

from blockspace.data import kept_preflight
from blockspace.formatting import count_noun, format_duration
from blockspace.records import RunDir, first_is_reference, name_family
from blockspace.reporting import GivenSide, StudyDesign, compute_pass_chance, find_shown_difference, searches_to_show
from blockspace.study.cheaper_networks import COUNT
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.spread import SHIPPED_SPREADS, MeasuredSpread

ENOUGH = 3  # searches, below which nothing is said of families
SUGGESTED = 5

SearchTime = Callable[[ResolvedStudy], float]  # seconds of a whole study


@dataclass(frozen=True)
class PowerPlan:
    """A study and the spread of searches that it is expected to have; `images` is the number of its test images, None where not known."""

    resolved: ResolvedStudy
    spread: MeasuredSpread
    images: int | None

    @property
    def families(self) -> list[str]:
        """Return the names of the families; the study's own where it compares none."""
        per = self.resolved.per
        return [name_family(str(choice), per) for choice in self.resolved.space.choices(per)] if per else [self.resolved.space.name]

    @property
    def freedoms(self) -> list[int]:
        """Return the degrees of freedom with which each family's spread was measured."""
        final = self.resolved.options.finalists
        return [self.spread.predict_variance(family, final.take, final.seeds).freedom for family in self.families]

    def design(self, searches: int) -> StudyDesign:
        """Return the study with this many searches, as its power sees it."""
        final, resolved = self.resolved.options.finalists, self.resolved
        variances = tuple(self.spread.predict_variance(family, final.take, final.seeds).variance for family in self.families)
        trainings = searches * final.take * len(variances) + 1
        baseline = GivenSide(self.spread.seed_sd**2 / final.seeds, max(1, trainings * (final.seeds - 1)))
        choices = map(str, resolved.space.choices(resolved.per)) if resolved.per else ()
        images = self.spread.image_variance / (self.images or self.spread.images)
        return StudyDesign(variances, searches, baseline, len(variances) > 1 and first_is_reference(choices), images)


def describe_power(resolved: ResolvedStudy, spread: MeasuredSpread | None, time_study: SearchTime | None = None) -> list[str]:
    """Return what the study could show, line by line; `spread` is that of earlier searches, unset: that of a shipped study of its name.

    `time_study` says how long a study takes, where that was measured.
    """
    searches = resolved.options.search.repeat_count
    spread = spread or SHIPPED_SPREADS.get(resolved.study.name)
    lines = [] if searches >= ENOUGH else [describe_too_few(searches)]
    if spread is None:
        how = "give earlier runs of it with --spread RUN (two searches or more), or a shipped study with --spread hs_vs_resnext"
        return [*lines, f"power: not known, because no run says how far searches of this study differ; {how}"]
    plan = PowerPlan(resolved, spread, count_test_images(resolved, spread))
    if searches >= ENOUGH:
        lines.append(describe_shown(plan, searches))
    cheaper = [describe_pass_chance(plan, searches)] if resolved.study.comparison.cheaper else []
    known = ", ".join(f"{name} {one.variance**0.5 * 100:.2f}" for name, one in spread.families.items())
    source = f"spread between searches: {known} points (sd; {spread.source})"
    return [*lines, describe_needed(plan, time_study), *cheaper, source]


def describe_too_few(searches: int) -> str:
    """Return what a study of one or two searches does not say."""
    count = count_noun(searches, "search", "searches")
    says = "gives an interval over searches and no verdict" if searches == 2 else "speaks of these networks alone"
    return f"power: the answer of {count} {says}: no sentence on families is printed; search.repeats={SUGGESTED} could"


def describe_shown(plan: PowerPlan, searches: int) -> str:
    """Return which difference the study would show."""
    design, final = plan.design(searches), plan.resolved.options.finalists
    shown = find_shown_difference(design) * 100
    images = f"{plan.images:,} test images" if plan.images else "? test images"
    size = f"{count_noun(len(design.pairs), 'statement')} together; {count_noun(final.seeds, 'seed')}, {images}"
    return f"power: {searches} searches show a difference of {shown:.2f} points in 80 % of studies like this ({size})"


def describe_pass_chance(plan: PowerPlan, searches: int) -> str:
    """Return how often a network that is as good as the baseline would be shown not to be worse by more than the margin."""
    final, spread, comparison = plan.resolved.options.finalists, plan.spread, plan.resolved.study.comparison
    networks = searches * final.take * len(plan.families) + COUNT
    image_sd = sqrt(spread.image_variance / (plan.images or spread.images))
    chance = compute_pass_chance(networks, final.seeds, spread.seed_sd, image_sd, comparison.margin_share)
    what = f"a network as good as the baseline is shown not to be worse by more than {comparison.margin}"
    return f"power: {what} in {chance * 100:.0f} % of studies like this ({networks} networks together, {count_noun(final.seeds, 'seed')})"


def describe_needed(plan: PowerPlan, time_study: SearchTime | None) -> str:
    """Return how many searches would show the margin, and what they cost."""
    comparison = plan.resolved.study.comparison
    least, most = searches_to_show(plan.design(ENOUGH), comparison.margin_share, plan.freedoms)
    what = f"the margin of {comparison.margin}"
    if least is None:
        return f"power: no number of searches up to 200 would show {what}"
    ends = [least] if most == least else [least, *([most] if most else [])]
    counts = " to ".join(map(str, ends)) if most else f"{least} or more"
    final = plan.resolved.options.finalists
    each = plan.resolved.options.search.trials + final.take * len(plan.families) * final.seeds
    trainings = " to ".join(f"{end * each:,}" for end in ends)
    time = f", about {' to '.join(format_duration(time_study(with_repeats(plan.resolved, end))) for end in ends)}" if time_study else ""
    return f"power: {counts} searches would show {what}: {trainings} trainings with the finals{time}"


def with_repeats(resolved: ResolvedStudy, searches: int) -> ResolvedStudy:
    """Return the same study with another number of searches."""
    options = resolved.options
    search = options.search.model_copy(update={"repeats": searches})
    return replace(resolved, study=replace(resolved.study, options=options.model_copy(update={"search": search})))


def count_test_images(resolved: ResolvedStudy, spread: MeasuredSpread) -> int | None:
    """Return the number of test images as far as it is known without reading the data: as written, as kept by the study's own run
    directory, or that of a shipped study on the same data.
    """
    data = resolved.study.data
    kept = kept_preflight(RunDir(resolved.study.folder))
    if data.test is not None:
        return data.test
    if kept is not None:
        return kept.counts["test"]
    is_shipped = SHIPPED_SPREADS.get(resolved.study.name) is spread
    return spread.images if is_shipped and data.as_dict() == {"name": "digits"} else None
