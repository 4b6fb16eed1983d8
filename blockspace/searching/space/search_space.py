"""The search space of a network: its holes with their domains and conditions, as a sampler sees them."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, cast

from blockspace.blocks import Categorical, Hole, IntRange, Network, Token, Unknown, inactive_mistake, outside_domain_mistake
from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.graph import Graph
from blockspace.records import Assignment

if TYPE_CHECKING:
    from optuna.trial import Trial


class SearchSpace:
    """The holes of a network that have no value yet: their names, domains and conditions."""

    def __init__(self, network: Network):
        self.network = network
        self.name = network.name
        self.holes: dict[str, Hole] = network.open.holes
        self.unknowns = network.open.unknowns

    def size(self, fixed: Assignment | None = None) -> int:
        """Return the number of assignments, or of those with `fixed` values. A hole under an alternative counts where that is chosen."""
        return prod(self._count(hole, fixed or {}) for hole in self.holes.values() if hole.under is None)

    def _count(self, hole: Hole, fixed: Assignment) -> int:
        """Return the number of assignments of a hole and of the holes under its alternatives."""
        tokens = [fixed[hole.name]] if hole.name in fixed else hole.domain.values()
        return sum(
            prod(self._count(inner, fixed) for inner in self.holes.values() if inner.under == (hole.name, token)) for token in tokens
        )

    def choices(self, name: str) -> list[Token]:
        """Return the choices of one hole, in their declared order. Raises BlockspaceError (E-SPACE) for an unknown name."""
        return list(self._find_hole(name).domain.values())

    def _find_hole(self, name: str) -> Hole:
        if name not in self.holes:
            hint = did_you_mean(name, self.holes)
            raise error("E-SPACE", f"{self.name} has no hole {name!r}", help=f"{hint + ' ' if hint else ''}holes: {', '.join(self.holes)}")
        return self.holes[name]

    def families(self) -> list[str]:
        """Return the holes that choose between named alternatives with holes of their own, or between blocks."""
        holes = {name: hole for name, hole in self.holes.items() if hole.under is None and isinstance(hole.domain, Categorical)}
        return [name for name, hole in holes.items() if self._has_named_alternatives(hole)]

    def _has_named_alternatives(self, hole: Hole) -> bool:
        above = {one.under[0] for one in self.holes.values() if one.under}
        return hole.name in above and all(isinstance(token, str) for token in hole.domain.values())

    def assign(self, choose: Callable[[Hole], Token]) -> Assignment:
        """Return the values of all active holes, each by `choose(hole)`. A hole under an alternative is active where that was chosen."""
        values: Assignment = {}
        for hole in self.holes.values():
            if self.is_active(hole, values):
                values[hole.name] = choose(hole)
        return values

    @staticmethod
    def is_active(place: Hole | Unknown, values: Assignment) -> bool:
        """Return whether a hole or unknown exists under these values."""
        return place.under is None or (place.under[0] in values and values[place.under[0]] == place.under[1])

    def suggest(self, trial: Trial) -> Assignment:
        """Return an assignment by an Optuna trial: one parameter per active hole, under the hole's name."""
        return self.assign(lambda hole: suggest_value(trial, hole))

    def random(self, seed: int, fixed: Assignment | None = None) -> Assignment:
        """Return an assignment in which each hole that is not `fixed` is drawn uniformly."""
        rng = random.Random(seed)
        fixed = fixed or {}
        return self.assign(lambda hole: fixed.get(hole.name, rng.choice(hole.domain.values())))

    def default(self, fixed: Assignment | None = None) -> Assignment:
        """Return every hole that is not `fixed` at its default. Raises BlockspaceError (E-SPACE) as `check`, and for inactive holes."""
        fixed = fixed or {}
        for name, token in fixed.items():
            self.check(name, token)
        values = self.assign(lambda hole: fixed.get(hole.name, hole.default))
        unused = [name for name in fixed if name not in values]
        if unused:
            raise BlockspaceError(*(inactive_mistake(self.holes[name]) for name in unused))
        return {name: token for name, token in values.items() if token in self.holes[name].domain}

    def check(self, name: str, token: Token) -> None:
        """Raise BlockspaceError (E-SPACE) for an unknown hole or a value outside its domain."""
        hole = self._find_hole(name)
        if token not in hole.domain:
            raise BlockspaceError(outside_domain_mistake(hole, token))

    def sample(self, source: Trial | int) -> Graph:
        """Return the graph of an assignment drawn by an Optuna trial, or by an integer seed; unknowns stay at their defaults."""
        values = self.random(source) if isinstance(source, int) else self.suggest(source)
        return self.graph(values)

    def graph(self, values: Assignment | None = None) -> Graph:
        """Return the graph of the network with holes and unknowns filled by `values`. Raises BlockspaceError."""
        return self.network.graph(values=values)

    def label(self, values: Assignment) -> str:
        """Return a short name of an assignment, for people: `hs-s5-b16-r2.2.3`."""
        words = [str(values[name]) for name in self.families()]
        shorts: dict[str, list[str]] = {}
        for name, token in values.items():
            if name not in self.families():
                shorts.setdefault(self._abbreviation(name), []).append(str(token))
        return "-".join(words + [f"{key}{'.'.join(tokens)}" for key, tokens in shorts.items()])

    def _abbreviation(self, name: str) -> str:
        last = name.rpartition(".")[2]
        others = {n.rpartition(".")[2] for n in self.holes} - {last}
        return next((last[:i] for i in range(1, len(last)) if not any(o.startswith(last[:i]) for o in others)), last)


def suggest_value(trial: Trial, hole: Hole) -> Token:
    """Return Optuna's suggestion for a hole."""
    if isinstance(hole.domain, IntRange):
        domain = hole.domain
        return trial.suggest_int(hole.name, domain.low, domain.high, step=domain.step, log=domain.log)
    return cast(Token, trial.suggest_categorical(hole.name, list(hole.domain.tokens)))  # Optuna's type allows None
