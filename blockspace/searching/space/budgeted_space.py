"""A search space under budgets: its assignments become candidates, solved and compared with the budgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from blockspace.blocks import Token
from blockspace.costs import COSTS, Budget, cost
from blockspace.errors import BlockspaceError, InfeasibleError, error
from blockspace.passes import canonical
from blockspace.records import Assignment
from blockspace.searching.space.candidate import Candidate
from blockspace.searching.space.search_space import SearchSpace
from blockspace.searching.space.solve import SolvedWidths, Solver

if TYPE_CHECKING:
    from optuna.trial import Trial

PROBES = 24  # random topologies per family tried before a budget is called impossible


class BudgetedSpace:
    """A space under budgets. `solve:` aims at the upper end of the budget of its cost; without one, unknowns keep their defaults.

    Candidates carry the costs that add up over nodes; the others only where a budget or `also` names them. `by` are holes beside the
    space's own whose choices make families: those that are compared, or tried equally often.
    """

    def __init__(
        self, space: SearchSpace, budgets: dict[str, Budget], solver: Solver | None = None,
        also: Iterable[str] = (), by: Sequence[str] = (),
    ):  # fmt: skip
        self.space, self.budgets = space, {name: b for name, b in budgets.items() if name in COSTS}
        self.counted = [name for name, quantity in COSTS.items() if quantity.additive or name in {*self.budgets, *also}]
        self.solver = solver or Solver(space)
        self.by = list(dict.fromkeys([*by, *space.families()]))

    def suggest(self, trial: Trial) -> Assignment:
        """Return an assignment by an Optuna trial: one parameter per active hole."""
        return self.space.suggest(trial)

    def choices(self, name: str) -> list[Token]:
        """Return the choices of one hole, in their declared order. Raises BlockspaceError (E-SPACE) for an unknown name."""
        return self.space.choices(name)

    def propose(self, assignment: Assignment) -> Candidate:
        """Return the candidate of an assignment: expanded, solved and costed. Raises BlockspaceError when it does not expand."""
        solution = self.solve(assignment)
        graph = canonical(self.space.graph(assignment | solution.values))
        total = cost(graph)
        costs = {name: getattr(total, name) for name in self.counted}
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

    def solve(self, assignment: Assignment) -> SolvedWidths:
        """Return the solved values of an assignment, and its cost."""
        name = next((u.cost for u in self.space.unknowns.values()), "macs")
        budget = self.budgets.get(name)
        return self.solver.solve(assignment, budget.high if budget else None, name)

    def is_reachable(self, fixed: Assignment) -> bool:
        """Return whether some topology with these holes fixed meets every budget: a random one, the extremes, then more random ones."""
        return any(self._distance(a) <= 0 for a in self._probes(fixed))

    def _probes(self, fixed: Assignment) -> Iterator[Assignment]:
        yield self.space.random(0, fixed)
        yield self.space.assign(lambda hole: fixed.get(hole.name, hole.domain.values()[0]))
        yield self.space.assign(lambda hole: fixed.get(hole.name, hole.domain.values()[-1]))
        for seed in range(1, PROBES):
            yield self.space.random(seed, fixed)

    def _distance(self, assignment: Assignment) -> float:
        """Return how far outside the budgets the solved assignment is; infinite when it does not expand."""
        total = self.solve(assignment).cost
        if total is None:
            return float("inf")
        return max((b.violation(getattr(total, name)) for name, b in self.budgets.items()), default=0.0)

    def check_reachable(self) -> None:
        """Raise the error of the first family in which no probed topology meets the budgets.

        That is InfeasibleError (E-INFEASIBLE) with the nearest reachable cost, or the mistakes of a block that no width makes legal.
        """
        for fixed in self.families():
            if not self.is_reachable(fixed):
                raise self._unreachable(fixed)

    def _unreachable(self, fixed: Assignment) -> BlockspaceError:
        """Return the error that says why nothing of this family meets the budgets."""
        nearest = min(self._probes(fixed), key=self._distance)
        total = self.solve(nearest).cost
        windows = ", ".join(str(b) for b in self.budgets.values()) or "no budget"
        what = " with ".join([self.space.name, *(f"{name} {choice}" for name, choice in fixed.items())])
        if total is None:
            try:
                self.space.graph(self.space.default(fixed))
            except BlockspaceError as e:
                return e
            return error("E-INFEASIBLE", f"no network of {what} can be built under {windows}", cls=InfeasibleError)
        values = ", ".join(f"{getattr(total, name):,} {COSTS[name].symbol or name}" for name in self.budgets)
        help = "change the budget, or widen the space's ranges"
        return error("E-INFEASIBLE", f"nothing in {what} meets {windows}; nearest reachable: {values}", help=help, cls=InfeasibleError)

    def families(self) -> list[Assignment]:
        """Return one fixed choice per family, or one empty assignment when the space has none."""
        return [{self.by[0]: choice} for choice in self.choices(self.by[0])] if self.by else [{}]

