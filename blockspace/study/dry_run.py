"""Dry run: what a study would do, without training: its space, and how proposals meet the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean, quantiles
from typing import Any

from blockspace.formatting import count_noun, format_si, format_table
from blockspace.records import name_family
from blockspace.study.resolve import ResolvedStudy

SAMPLES, SHOWN = 100, 5
KEYED = 20  # draws of each family whose canonical keys are compared with those of the others


@dataclass(frozen=True)
class FamilyDraws:
    """One family's proposals: how many were drawn, the macs before and after solving, those the solver could not bring into the budget.

    `keys` are the canonical keys of the first `KEYED` that are within the budget.
    """

    name: str
    samples: int
    before: list[int]
    after: list[int]
    unsolved: list[tuple[str, int | None]]  # label, and the macs it comes to; None: no widths in their ranges build
    keys: frozenset[str] = frozenset()

    @property
    def share(self) -> float:
        """Return the share of the drawn networks that are within the budget."""
        return len(self.after) / self.samples


def draw_families(resolved: ResolvedStudy, samples: int = SAMPLES) -> list[FamilyDraws]:
    """Draw random topologies of each family, solve them, and compare them with the budget."""
    return [draw_family(resolved, fixed, samples) for fixed in resolved.budgeted_space.families()]


def draw_family(resolved: ResolvedStudy, fixed: dict[str, Any], samples: int) -> FamilyDraws:
    """Draw topologies of one family, whose choices are `fixed`, and solve each for the budget."""
    budgeted = resolved.budgeted_space
    before, after, unsolved = [], [], []
    keyed: list[str] = []
    for seed in range(samples):
        assignment = resolved.space.random(seed, fixed)
        unknown = {u.name: u.default for u in resolved.space.unknowns.values()}
        raw = budgeted.solver.cost(assignment | unknown)
        found = budgeted.solve(assignment).cost
        if raw is not None:
            before.append(raw.macs)
        if found is not None and all(b.holds(getattr(found, name)) for name, b in budgeted.budgets.items()):
            after.append(found.macs)
            keyed += [budgeted.propose(assignment).key] if len(keyed) < KEYED else []
        else:
            unsolved.append((resolved.space.label(assignment), found.macs if found else None))
    name = next((name_family(str(choice), hole) for hole, choice in fixed.items()), resolved.space.name)
    return FamilyDraws(name, samples, before, after, unsolved, frozenset(keyed))


def dry_run_text(resolved: ResolvedStudy, families: list[FamilyDraws]) -> str:
    """Return the dry run as text: the space, the baseline, the budget, and a row for each family."""
    space, base = resolved.space, resolved.baseline
    solved = f"{count_noun(len(space.unknowns), 'width is', 'widths are')} solved for each"
    lines = [*resolved.notes, f"{space.name}: {count_noun(space.size(), 'topology', 'topologies')}; {solved}", ""]
    budgets = list(map(str, resolved.budgeted_space.budgets.values()))
    budgets += [limit_text(name, *bounds) for name, bounds in resolved.limits.items()]
    lines.append(f"baseline: {base.label}, {base.costs['macs']:,} macs, {base.costs['params']:,} params")
    lines.append(f"budget: {'; '.join(budgets) or 'none'}")
    lines += [*describe_searches(resolved), ""]
    rows = [
        [f.name, str(f.samples), quantiles_text(f.before), f"{f.share:.0%}", format_si(mean(f.after)) if f.after else "-"] for f in families
    ]
    header = ["family", "drawn", "macs at default widths: 5 %, median, 95 %", "within budget, solved", "mean macs"]
    lines.append(format_table(header, rows))
    for f in families:
        if f.unsolved:
            lines += ["", f"{f.name}: {len(f.unsolved)} of {f.samples} draws do not come into the budget:"]
            lines += [f"  {misfit_text(*one, count)}" for one, count in Counter(f.unsolved).most_common(SHOWN)]
            lines += ["  ..."] * (len(set(f.unsolved)) > SHOWN)
    lines += [f"\n{line}" for line in describe_shared_draws(families)]
    return "\n".join(lines)


def describe_shared_draws(families: Sequence[FamilyDraws]) -> list[str]:
    """Return a line for each two families that have equal networks among their draws: what they share cannot make them differ."""
    pairs = [(one, other, len(one.keys & other.keys)) for one, other in combinations(families, 2)]
    return [
        f"{one.name} and {other.name} share networks: {count} of {len(one.keys | other.keys)} different ones that were compared"
        for one, other, count in pairs
        if count
    ]


def describe_searches(resolved: ResolvedStudy) -> list[str]:
    """Return a line on the searches of a study of several: how many, how many networks they train, and when they end early."""
    search = resolved.options.search
    if search.repeat_count == 1:
        return []
    trained = count_noun(search.trials, "network")
    early = f"; ends after {', '.join(map(str, search.looks[:-1]))} once every sentence is decided" if search.is_sequential else ""
    return [f"searches: {search.repeats}, one after the other, {trained} each, {search.repeat_count * search.trials:,} in all{early}"]


def misfit_text(label: str, macs: int | None, count: int) -> str:
    """One topology that cannot be solved, how often it was drawn, and how near it comes."""
    times = f" ({count_noun(count, 'time')})" if count > 1 else ""
    return f"{label}{times}: {'no widths in their ranges build' if macs is None else f'the nearest has {macs:,} macs'}"


def limit_text(name: str, low: float | None, high: float | None) -> str:
    """Return the limits of latency as text, such as "latency at most 1.3x the baseline's"."""
    from blockspace.costs import Budget

    if low is None and high is None:
        return f"{name} measured, not limited"
    return str(Budget(name, low, high)) + " the baseline's"


def quantiles_text(values: list[int]) -> str:
    """Return the 5 %, 50 % and 95 % quantiles as text."""
    if len(values) < 2:
        return "-"
    cuts = quantiles(values, n=20)
    return ", ".join(format_si(v) for v in (cuts[0], cuts[9], cuts[18]))
