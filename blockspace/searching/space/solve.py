"""The solver: values of `solve:` that bring a network into its budget.

All holes are set first. A common scale is found by bisection, so that the solved values keep the proportions of their defaults; then units
are moved one or two at a time as long as the cost grows and stays within. The cost of each top-level step is remembered, so that a trial
of new values expands only the steps it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from blockspace.blocks import Segment, Unknown
from blockspace.costs import COSTS, Cost, cost
from blockspace.errors import BlockspaceError
from blockspace.ops import Shape
from blockspace.records import Assignment
from blockspace.searching.space.search_space import SearchSpace

REACH = 3  # places in its domain by which a repair moves one value
CLOSE = 0.999  # a cost this close to the bound needs no better
BISECTIONS = 14
ADDITIVE = tuple(name for name, quantity in COSTS.items() if quantity.additive)  # costs of steps add up; the others need the whole network


@dataclass(frozen=True)
class SolvedWidths:
    """Solved values by name, and the cost they lead to (None: nothing expands)."""

    values: dict[str, int]
    cost: Cost | None


class Solver:
    """Solves one network space; costs of steps are remembered across topologies."""

    def __init__(self, space: SearchSpace):
        self.space = space
        self.segments = space.network.segments if space.network.separable else None
        self.memory: dict[tuple[object, ...], tuple[dict[str, int], Shape] | None] = {}

    def solve(self, assignment: Assignment, bound: float | None, name: str = "macs") -> SolvedWidths:
        """Return the largest values of the active unknowns whose `name` cost stays within `bound`; without a bound, their defaults."""
        unknowns = [u for u in self.space.unknowns.values() if self.space.is_active(u, assignment)]
        start = {u.name: u.default for u in unknowns}
        if bound is None or not unknowns:
            return SolvedWidths(start, self.cost(assignment | start))
        search = _WidthSearch(self, assignment, unknowns, bound, name)
        values = search.repair(search.scale())
        return SolvedWidths(values, self.cost(assignment | values))

    def cost(self, values: Assignment, through: int | None = None) -> Cost | None:
        """Return the cost of the network under these values; None when it does not expand (a `require` fails, a split does not divide).

        With `through`, only the additive costs of the top-level steps up to and with that number.
        """
        if self.segments is None:
            try:
                return cost(self.space.graph(values))
            except BlockspaceError:
                return None
        shape, total = self._input_shape(values), dict.fromkeys(ADDITIVE, 0)
        common = tuple(sorted((k, v) for k, v in values.items() if k not in self.space.network.holes.owners))
        for index, segment in enumerate(self.segments[: None if through is None else through + 1]):
            own = tuple((name, values.get(name)) for name in sorted(segment.own))
            key = (index, shape, common, own)
            if key not in self.memory:
                self.memory[key] = self._cost_step(segment, shape, values)
            step = self.memory[key]
            if step is None:
                return None
            part, shape = step
            total = {name: total[name] + part[name] for name in ADDITIVE}
        return Cost(lambda: self.space.graph(values), total)

    def _input_shape(self, values: Assignment) -> Shape:
        """Return the input's shape under these values, remembered where no hole sizes it."""
        network = self.space.network
        return network.shape_under(values) if network.sized_by else network.input_shape

    def find_reader(self, unknown: Unknown) -> int | None:
        """Return the number of the one top-level step that reads `unknown`, when there is one."""
        return next((i for i, segment in enumerate(self.segments or []) if unknown.name in segment.own), None)

    @staticmethod
    def _cost_step(segment: Segment, shape: Shape, values: Assignment) -> tuple[dict[str, int], Shape] | None:
        """Return the additive costs of one top-level step and its output's shape; None when it does not expand."""
        try:
            graph = segment.graph(shape, values)
        except BlockspaceError:
            return None
        total = cost(graph)
        return {name: getattr(total, name) for name in ADDITIVE}, graph.output_shape


class _WidthSearch:
    """The search for the unknowns of one assignment under one bound."""

    def __init__(self, solver: Solver, assignment: Assignment, unknowns: list[Unknown], bound: float, name: str):
        self.solver, self.assignment, self.unknowns, self.bound, self.name = solver, assignment, unknowns, bound, name
        self.legal = {u.name: list(u.domain.values()) for u in unknowns}

    def count_cost(self, values: dict[str, int]) -> int | None:
        """Return the budgeted cost under `values`; None when they break a rule."""
        total = self.solver.cost(self.assignment | values)
        return None if total is None else int(getattr(total, self.name))

    def fits(self, values: dict[str, int]) -> bool:
        """Return whether the network expands and its cost is within the bound."""
        spent = self.count_cost(values)
        return spent is not None and spent <= self.bound

    def at_scale(self, scale: float) -> dict[str, int]:
        """Return the defaults times `scale`, each at the nearest value below that breaks no rule, or else the nearest above."""
        values = {u.name: u.default for u in self.unknowns}
        for unknown in sorted(self.unknowns, key=lambda u: self.solver.find_reader(u) or 0):
            values[unknown.name] = self._nearest_legal(unknown, unknown.default * scale, values)
        return values

    def _nearest_legal(self, unknown: Unknown, wanted: float, values: dict[str, int]) -> int:
        """Return the value of `unknown` nearest to `wanted`, lower ones first, with which the network expands as far as it is read."""
        through = self.solver.find_reader(unknown)
        ordered = sorted(self.legal[unknown.name], key=lambda v: (v > wanted, abs(v - wanted)))
        for value in ordered:
            if self.solver.cost(self.assignment | values | {unknown.name: value}, through) is not None:
                return value
        return ordered[0]

    def scale(self) -> dict[str, int]:
        """Return the values at the largest common scale that fits; the smallest legal values when none does."""
        low, high = 0.0, max(self.legal[u.name][-1] / max(1, u.default) for u in self.unknowns)
        if not self.fits(self.at_scale(low)):
            return self.at_scale(low)
        if self.fits(self.at_scale(high)):
            return self.at_scale(high)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.fits(self.at_scale(middle)) else (low, middle)
        return self.at_scale(low)

    def repair(self, values: dict[str, int]) -> dict[str, int]:
        """Return the values after moving one or two by a few places while that brings the cost closer to the bound from below."""
        best = self.count_cost(values)
        if best is None or best > self.bound:
            return values
        while best < CLOSE * self.bound:
            moves = ((self.count_cost(trial), trial) for trial in self._neighbours(values))
            better = [(spent, trial) for spent, trial in moves if spent is not None and best < spent <= self.bound]
            if not better:
                break
            best, values = max(better, key=lambda pair: pair[0])
        return values

    def _neighbours(self, values: dict[str, int]) -> Iterator[dict[str, int]]:
        """Yield the values with one or two of them moved."""
        steps = [d for d in range(-REACH, REACH + 1) if d]
        for unknown in self.unknowns:
            yield from self._move(values, (unknown,), ((d,) for d in steps))
        for couple in combinations(self.unknowns, 2):
            yield from self._move(values, couple, product(steps, steps))

    def _move(
        self, values: dict[str, int], unknowns: tuple[Unknown, ...], moves: Iterable[tuple[int, ...]]
    ) -> Iterator[dict[str, int]]:
        """Yield the values with `unknowns` moved by each of `moves`, places in their domains, where those stay legal."""
        for move in moves:
            trial = dict(values)
            for unknown, step in zip(unknowns, move):
                legal = self.legal[unknown.name]
                index = legal.index(values[unknown.name]) + step
                if not 0 <= index < len(legal):
                    break
                trial[unknown.name] = legal[index]
            else:
                yield trial
