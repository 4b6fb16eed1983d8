"""The sentences of an answer. Each says what it is about: these networks, or what searches like these find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blockspace.formatting import count_noun

if TYPE_CHECKING:
    from blockspace.reporting.difference import FamilyDifference

EQUAL = 0.02  # costs that differ by at most this share count as equal
EQUAL_MEASURED = 0.03  # the same of latency, which repeats within about 3 %
BASELINE_SIDE = "the baseline"
MORE_SEARCHES = "`search.repeats=5` could"


def describe_difference_of_networks(difference: FamilyDifference) -> str:
    """Return the sentence of these networks: what other images and seeds would show of them, and that searches were not repeated."""
    sign = 1 if difference.accuracy.estimate >= 0 else -1
    (first, count), (second, _) = order_sides(difference, name_networks(difference, 0), name_networks(difference, 1), sign)
    points = f"{abs(difference.accuracy.estimate) * 100:.1f} points"
    interval = f"({format_interval(difference, sign)}; other images and seeds, not other searches)"
    end = f"on {difference.images:,} test images, {describe_seeds(difference)}{describe_lack_of_searches(difference)}"
    if difference.accuracy.excludes_zero:
        return f"{first} {'scores' if count == 1 else 'score'} {points} above {second} {interval} {describe_costs(difference, sign)}, {end}"
    who = name_side(difference, sign)
    costs = describe_costs(difference, sign, who)
    comma = "," if costs.startswith(who) else ""
    return f"{first} and {second} are not distinguishable at this size: difference {points} of accuracy {interval}{comma} {costs}, {end}"


def describe_difference_of_searches(difference: FamilyDifference) -> str:
    """Return the sentence of what searches like these find: better, equal within the margin, or undecided and what would decide it."""
    sign = 1 if difference.accuracy.estimate >= 0 else -1
    names = [name_found(difference, place, sign) for place in (0, 1)]
    points = f"{abs(difference.accuracy.estimate) * 100:.1f}"
    margin = f"{difference.margin * 100:g} points"
    size = f"{describe_together(difference)}; {describe_size(difference)}"
    costs = describe_costs(difference, sign, name_side(difference, sign))
    comma = "," if costs.startswith(name_side(difference, sign)) else ""
    interval = f"{format_interval(difference, sign)}{size}"
    verdict = difference.verdict
    if verdict in ("better", "better, by less than the margin"):
        verb = "is" if names[0] == BASELINE_SIDE else "are"
        than = names[1] if names[0] == BASELINE_SIDE else names[1].replace("networks found in", "those found in")
        amount = f"by {points} points of accuracy"
        if verdict != "better":
            amount = f"by less than the margin of {margin}: {amount}"
        comma_before = "," if verdict != "better" else ""
        return f"{names[0]} {verb} better than {than}{comma_before} {amount} ({interval}) {describe_costs(difference, sign)}"
    second = names[1] if names[0] == BASELINE_SIDE else names[1].replace("networks found in", "in")
    both = f"{names[0]} and {second}"
    if verdict == "equal":
        inner = f"difference {points}, {format_equality(difference, sign)}{size}"
        return f"{both} are equal within {margin} of accuracy ({inner}){comma} {costs}"
    most = max(abs(difference.accuracy.low), abs(difference.accuracy.high)) * 100
    open_question = f"{both}: undecided, up to {most:.1f} points of accuracy is not excluded (difference {points}, {interval})"
    return f"{open_question}{comma} {costs}{describe_searches_needed(difference)}"


def describe_gain(difference: FamilyDifference) -> str:
    """Return the sentence of a family's finalists against the average network of its space."""
    found = difference.accuracy
    points, sign = f"{abs(found.estimate) * 100:.1f} points", 1 if found.estimate >= 0 else -1
    average = f"the average network of the {difference.first} space"
    drawn = count_noun(difference.networks[1], "random network")
    interval = f"{format_interval(difference, sign)}{describe_together(difference)}"
    size = f"{difference.images:,} test images, {describe_seeds(difference)}"
    if difference.unit == "network":
        these, one = name_networks(difference, 0)
        verb, where = ("scores" if one == 1 else "score"), "above" if sign > 0 else "below"
        about = f"other images, seeds and random networks, not other searches; {drawn}"
        return f"{these} {verb} {points} {where} {average} ({interval}; {about}) on {size}"
    inner = f"{interval}; {count_noun(difference.searches[0], 'search', 'searches')}, {drawn}, {size}"
    if not found.excludes_zero:
        return f"in {difference.first}, whether the search gains over {average} is undecided: {points} ({inner})"
    return f"in {difference.first}, the search {'gains' if sign > 0 else 'loses'} {points} over {average} ({inner})"


# parts of sentences


def order_sides(
    difference: FamilyDifference, first: tuple[str, int], second: tuple[str, int], sign: int
) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return both sides, the better one first."""
    return (first, second) if sign > 0 else (second, first)


def name_side(difference: FamilyDifference, sign: int) -> str:
    """Return the better side's name."""
    return difference.first if sign > 0 else difference.second


def name_networks(difference: FamilyDifference, place: int) -> tuple[str, int]:
    """Return one side as its networks, and how many they are: "these 2 hs networks", "this hs network", "the baseline"."""
    name, count = (difference.first, difference.second)[place], difference.networks[place]
    if name == BASELINE_SIDE:
        return name, 1
    if count == 1:
        return f"this {name} network", 1
    return f"these {f'{count} ' if count else ''}{name} networks", count


def name_found(difference: FamilyDifference, place: int, sign: int) -> str:
    """Return the better side (place 0) or the other (1) as what was found in it."""
    name = (difference.first, difference.second)[place if sign > 0 else 1 - place]
    return name if name == BASELINE_SIDE else f"networks found in {name}"


def format_level(level: float) -> str:
    """Return a level in percent: "95 %", "97.5 %"."""
    return f"{level * 100:.4g} %"


def format_interval(difference: FamilyDifference, sign: int) -> str:
    """Return level and ends of the interval in points, seen from the better side: "95 % 0.1 to 0.8"."""
    return f"{format_level(difference.level)} {format_ends(difference.accuracy.low, difference.accuracy.high, sign)}"


def format_equality(difference: FamilyDifference, sign: int) -> str:
    """Return level and ends of the interval that says equal: "90 % -0.2 to 0.3"."""
    interval = difference.equality or difference.accuracy
    return f"{format_level(1 - 2 * (1 - difference.level))} {format_ends(interval.low, interval.high, sign)}"


def format_ends(low: float, high: float, sign: int) -> str:
    """Return the ends of an interval in points, negated for a negative sign."""
    ends = sorted((low * sign * 100, high * sign * 100))
    return " to ".join(f"{round(end, 1) + 0.0:.1f}" for end in ends)  # not "-0.0"


def describe_together(difference: FamilyDifference) -> str:
    """Return that the interval holds for all statements together, where there are several."""
    return f", all {difference.statements} statements together" if difference.statements > 1 else ""


def describe_size(difference: FamilyDifference) -> str:
    """Return the size behind a statement of searches: "5 searches each, 897 images, 3 seeds"."""
    here, there = difference.searches
    if difference.kind == "baseline":
        searches = count_noun(here, "search", "searches")
    elif here == there:
        searches = f"{here} searches each"
    else:
        searches = f"{here} searches of {difference.first}, {there} of {difference.second}"
    seeds = describe_seeds(difference) if difference.kind == "baseline" else count_noun(difference.seeds, "seed")
    split = ", chosen on one validation split" if difference.one_validation_split else ""
    return f"{searches}, {difference.images:,} images, {seeds}{split}"


def describe_seeds(difference: FamilyDifference) -> str:
    """Return how many seeds there are, with a warning where there is one only, and whether each side has a recipe of its own."""
    recipes = ", each with its tuned recipe" if difference.tuned_per_family else ""
    if difference.seeds > 1:
        return count_noun(difference.seeds, "seed") + recipes
    return f"1 seed (what another seed would change is not in the interval){recipes}"


def describe_lack_of_searches(difference: FamilyDifference) -> str:
    """Return why a statement of networks says nothing of the families, with the interval over two searches where there are two."""
    if difference.kind != "families":
        return ""
    fewest, most = sorted(difference.searches)
    if most == 1:
        return f"; one search says nothing of the families: {MORE_SEARCHES}"
    short = difference.first if difference.searches[0] == fewest else difference.second
    found = difference.over_searches
    if found is None or fewest != most:
        own = f"{short} has networks of {count_noun(fewest, 'search', 'searches')}"
        return f"; {own}, and a statement of families needs 3"
    sign = 1 if difference.accuracy.estimate >= 0 else -1
    ends = format_ends(found.low, found.high, sign)
    together = describe_together(difference)
    over = f"over the {fewest} searches the difference is {found.estimate * sign * 100:.1f} points"
    return f"; {over} ({format_level(difference.level)} {ends}{together}), which is no verdict: {MORE_SEARCHES}"


def describe_searches_needed(difference: FamilyDifference) -> str:
    """Return how many searches of each family would show a difference of the margin: "; 6 to 20 searches would show 0.5"."""
    if difference.searches_needed is None:
        return ""
    least, most = difference.searches_needed
    have, margin = min(count for count in difference.searches if count), f"{difference.margin * 100:g}"
    if least is None:
        return f"; even 200 searches might not show {margin}"
    if most is not None and most <= have:
        return f"; as many searches would show {margin} in 4 of 5 such studies"
    if most is None:
        return f"; {max(least, have)} searches or more would show {margin}"
    counts = f"{max(least, have)} to {most}" if max(least, have) < most else f"{most}"
    return f"; {counts} searches would show {margin}"


def describe_costs(difference: FamilyDifference, sign: int = 1, who: str = "") -> str:
    """Return by how much the better one (named `who`) costs more or less: "at equal macs and with 5.0 % more latency"."""
    counted = describe_ratio(difference.cost, difference.cost_ratio, sign, who)
    if difference.latency_ratio is None or difference.cost == "latency":
        return counted
    measured = describe_ratio("latency", difference.latency_ratio, sign, who)
    lead = f"{who} with "
    if who and counted.startswith(lead):
        measured = measured.removeprefix(lead)
    return f"{counted}{', ' if who and measured.startswith(lead) else ' and '}{measured}"


def describe_ratio(cost: str, ratio: float | None, sign: int, who: str) -> str:
    """Return one cost: "at equal macs", "with 5.0 % more macs"; `sign` is negative when the better one is the second."""
    if ratio is None:
        return f"at unknown {cost}"
    ratio = ratio if sign > 0 else 1 / ratio
    if abs(ratio - 1) <= (EQUAL_MEASURED if cost == "latency" else EQUAL):
        return f"at equal {cost}"
    return f"{f'{who} ' if who else ''}with {abs(ratio - 1) * 100:.1f} % {'more' if ratio > 1 else 'less'} {cost}"
