"""Proposals: assignments of a space's holes become candidates, solved and held against the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blockspace.costs import COSTS, Budget, cost
from blockspace.errors import BlockspaceError, InfeasibleError, error
from blockspace.passes import canonical
from blockspace.searching.space.candidate import Candidate
from blockspace.searching.space.search_space import SearchSpace
from blockspace.searching.space.solve import Solver

PROBES = 24  # random topologies per family tried before a budget is called impossible


class BudgetedSpace:
    """A space under budgets. `solve:` aims at the upper end of the budget of its cost; without one, unknowns keep their defaults.

    Candidates carry the costs that add up over nodes; the others only where a budget or `also` names them. `by` are holes beside the
    space's own families whose choices make families: those that are compared, or tried equally often.
    """

    def __init__(
        self, space: SearchSpace, budgets: dict[str, Budget], solver: Solver | None = None,
        also: Iterable[str] = (), by: Sequence[str] = (),
    ):  # fmt: skip
        self.space, self.budgets = space, {name: b for name, b in budgets.items() if name in COSTS}
        self.counted = [name for name, quantity in COSTS.items() if quantity.additive or name in {*self.budgets, *also}]
        self.solver = solver or Solver(space)
        self.by = list(dict.fromkeys([*by, *space.families()]))

    def suggest(self, trial) -> dict:
        return self.space.suggest(trial)

    def choices(self, name: str) -> list:
        return self.space.choices(name)

    def propose(self, assignment: dict) -> Candidate:
        """Expand, solve and cost one assignment. Raises BlockspaceError when it does not expand."""
        solution = self.solve(assignment)
        graph = canonical(self.space.graph(assignment | solution.values))
        found = cost(graph)
        costs = {name: getattr(found, name) for name in self.counted}
        return Candidate(
            assignment=assignment,
            solved=solution.values,
            key=graph.key(),
            costs=costs,
            violations={name: b.violation(costs[name]) for name, b in self.budgets.items()},
            arch={"graph": graph.as_dict(), "values": assignment | solution.values},
            label=self.space.label(assignment),
            families={name: str(assignment[name]) for name in self.by},
        )

    def solve(self, assignment: dict):
        """The solved values of one assignment, and its cost."""
        name = next((u.cost for u in self.space.unknowns.values()), "macs")
        budget = self.budgets.get(name)
        return self.solver.solve(assignment, budget.high if budget else None, name)

    def reachable(self, fixed: dict) -> bool:
        """Whether some topology with these holes fixed meets every budget: the default one, the extremes, then random ones."""
        return any(self._distance(a) <= 0 for a in self._probes(fixed))

    def _probes(self, fixed: dict):
        yield self.space.random(0, fixed)
        for end in (0, -1):
            yield self.space.assign(lambda hole, end=end: fixed.get(hole.name, hole.domain.values()[end]))
        for seed in range(1, PROBES):
            yield self.space.random(seed, fixed)

    def _distance(self, assignment: dict) -> float:
        """How far outside the budgets the solved assignment is; infinite when it does not expand."""
        found = self.solve(assignment).cost
        if found is None:
            return float("inf")
        return max((b.violation(getattr(found, name)) for name, b in self.budgets.items()), default=0.0)

    def check_reachable(self) -> None:
        """Raises, for the first family of which no probe meets the budgets, what is wrong: E-INFEASIBLE (InfeasibleError) with the nearest
        reachable cost, or the mistakes of a block that cannot be built there whatever the widths."""
        for fixed in self.families():
            if not self.reachable(fixed):
                raise self._unreachable(fixed)

    def _unreachable(self, fixed: dict) -> BlockspaceError:
        """Why nothing of this family meets the budgets."""
        nearest = min(self._probes(fixed), key=self._distance)
        found = self.solve(nearest).cost
        asked = ", ".join(str(b) for b in self.budgets.values()) or "no budget"
        what = " with ".join([self.space.name, *(f"{name} {choice}" for name, choice in fixed.items())])
        if found is None:
            try:
                self.space.graph(self.space.default(fixed))
            except BlockspaceError as e:
                return e
            return error("E-INFEASIBLE", f"no network of {what} can be built under {asked}", cls=InfeasibleError)
        values = ", ".join(f"{getattr(found, name):,} {COSTS[name].symbol or name}" for name in self.budgets)
        help = "change the budget, or widen the space's ranges"
        return error("E-INFEASIBLE", f"nothing in {what} meets {asked}; nearest reachable: {values}", help=help, cls=InfeasibleError)

    def families(self) -> list[dict]:
        """One fixed choice per family, or one empty dict when the space has none."""
        return [{self.by[0]: choice} for choice in self.choices(self.by[0])] if self.by else [{}]

