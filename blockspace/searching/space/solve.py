"""Solving: the values of `solve:` places that bring a network into its budget.

All holes are set first. A common scale is found by bisection, so that the solved values keep the proportions of their defaults; then units
are moved one or two at a time as long as the cost grows and stays within. The cost of each top-level step is remembered, so that a trial
of new values expands only the steps it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

from blockspace.blocks import Unknown
from blockspace.costs import COSTS, Cost, cost
from blockspace.errors import BlockspaceError
from blockspace.searching.space.search_space import SearchSpace

REACH = 3  # how many units a repair moves one value
CLOSE = 0.999  # a cost this close to the bound needs no better
BISECTIONS = 14
ADDITIVE = tuple(name for name, quantity in COSTS.items() if quantity.additive)  # costs of steps add up; the others need the whole network


@dataclass(frozen=True)
class Solution:
    """Solved values by name, and the cost they lead to (None: nothing expands)."""

    values: dict[str, int]
    cost: Cost | None


class Solver:
    """Solves one network space; costs of steps are remembered across topologies."""

    def __init__(self, space: SearchSpace):
        self.space = space
        self.segments = space.network.segments if space.network.separable else None
        self.memory: dict[tuple, tuple[dict[str, int], tuple] | None] = {}

    def solve(self, assignment: dict, bound: float | None, name: str = "macs") -> Solution:
        """The largest values of the active unknowns whose `name` cost stays within `bound`; without a bound, their defaults."""
        unknowns = [u for u in self.space.unknowns.values() if self.space.active(u, assignment)]
        start = {u.name: u.default for u in unknowns}
        if bound is None or not unknowns:
            return Solution(start, self.cost(assignment | start))
        task = _Task(self, assignment, unknowns, bound, name)
        values = task.repaired(task.scaled())
        return Solution(values, self.cost(assignment | values))

    def cost(self, values: dict, through: int | None = None) -> Cost | None:
        """The cost of the network under these values; with `through`, what adds up, of its top-level steps up to and with that number.

        None when it does not expand: a `require` fails, a split does not divide.
        """
        if self.segments is None:
            try:
                return cost(self.space.graph(values))
            except BlockspaceError:
                return None
        shape, total = self.space.network.input_shape, dict.fromkeys(ADDITIVE, 0)
        common = tuple(sorted((k, v) for k, v in values.items() if k not in self.space.network.holes.owners))
        for index, segment in enumerate(self.segments[: None if through is None else through + 1]):
            own = tuple((name, values.get(name)) for name in sorted(segment.own))
            key = (index, shape, common, own)
            if key not in self.memory:
                self.memory[key] = self._segment(segment, shape, values)
            found = self.memory[key]
            if found is None:
                return None
            part, shape = found
            total = {name: total[name] + part[name] for name in ADDITIVE}
        return Cost(lambda: self.space.graph(values), total)

    def reader(self, unknown: Unknown) -> int | None:
        """The number of the one top-level step that reads `unknown`, when there is one."""
        found = [i for i, segment in enumerate(self.segments or []) if unknown.name in segment.own]
        return found[0] if found else None

    @staticmethod
    def _segment(segment, shape, values) -> tuple[dict[str, int], tuple] | None:
        try:
            graph = segment.graph(shape, values)
        except BlockspaceError:
            return None
        found = cost(graph)
        return {name: getattr(found, name) for name in ADDITIVE}, graph.output_shape


class _Task:
    """One solving: fixed holes, unknowns, and the bound."""

    def __init__(self, solver: Solver, assignment: dict, unknowns: list[Unknown], bound: float, name: str):
        self.solver, self.assignment, self.unknowns, self.bound, self.name = solver, assignment, unknowns, bound, name
        self.legal = {u.name: list(u.domain.values()) for u in unknowns}

    def spent(self, values: dict) -> int | None:
        """The budgeted cost under `values`; None when they break a rule."""
        found = self.solver.cost(self.assignment | values)
        return None if found is None else getattr(found, self.name)

    def fits(self, values: dict) -> bool:
        spent = self.spent(values)
        return spent is not None and spent <= self.bound

    def at_scale(self, scale: float) -> dict:
        """Defaults times `scale`, each at the nearest value below that breaks no rule, or else the nearest above."""
        values = {u.name: u.default for u in self.unknowns}
        for unknown in sorted(self.unknowns, key=lambda u: self.solver.reader(u) or 0):
            values[unknown.name] = self._legal(unknown, unknown.default * scale, values)
        return values

    def _legal(self, unknown: Unknown, wanted: float, values: dict) -> int:
        through = self.solver.reader(unknown)
        ordered = sorted(self.legal[unknown.name], key=lambda v: (v > wanted, abs(v - wanted)))
        for value in ordered:
            if self.solver.cost(self.assignment | values | {unknown.name: value}, through) is not None:
                return value
        return ordered[0]

    def scaled(self) -> dict:
        """The values at the largest common scale that fits; the smallest legal values when none does."""
        low, high = 0.0, max(self.legal[u.name][-1] / max(1, u.default) for u in self.unknowns)
        if not self.fits(self.at_scale(low)):
            return self.at_scale(low)
        if self.fits(self.at_scale(high)):
            return self.at_scale(high)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.fits(self.at_scale(middle)) else (low, middle)
        return self.at_scale(low)

    def repaired(self, values: dict) -> dict:
        """Move one or two values by a few units while that brings the cost closer to the bound from below."""
        best = self.spent(values)
        if best is None or best > self.bound:
            return values
        while best < CLOSE * self.bound:
            moves = ((self.spent(trial), trial) for trial in self._neighbours(values))
            better = [(spent, trial) for spent, trial in moves if spent is not None and best < spent <= self.bound]
            if not better:
                break
            best, values = max(better, key=lambda pair: pair[0])
        return values

    def _neighbours(self, values: dict):
        steps = [d for d in range(-REACH, REACH + 1) if d]
        for unknown in self.unknowns:
            yield from self._moved(values, (unknown,), ((d,) for d in steps))
        for couple in combinations(self.unknowns, 2):
            yield from self._moved(values, couple, product(steps, steps))

    def _moved(self, values: dict, unknowns: tuple[Unknown, ...], deltas):
        for delta in deltas:
            trial = dict(values)
            for unknown, step in zip(unknowns, delta):
                legal = self.legal[unknown.name]
                index = legal.index(values[unknown.name]) + step
                if not 0 <= index < len(legal):
                    break
                trial[unknown.name] = legal[index]
            else:
                yield trial
