"""SearchSpace: a network with holes, as a sampler sees it."""

from __future__ import annotations

import random
from math import prod

from blockspace.blocks import Categorical, Hole, IntRange, Network, inactive_mistake, outside_domain_mistake
from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.graph import Graph


class SearchSpace:
    """The holes of a network that nothing was given for: their names, domains and conditions."""

    def __init__(self, network: Network):
        self.network = network
        self.name = network.name
        self.holes: dict[str, Hole] = network.open.holes
        self.unknowns = network.open.unknowns

    def size(self) -> int:
        """How many assignments there are, a hole under an alternative counting only where that is chosen."""
        return prod(self._count(hole) for hole in self.holes.values() if hole.under is None)

    def _count(self, hole: Hole) -> int:
        return sum(
            prod(self._count(inner) for inner in self.holes.values() if inner.under == (hole.name, token)) for token in hole.domain.values()
        )

    def choices(self, name: str) -> list:
        """The tokens of one hole. Raises E-SPACE for a name that is no hole."""
        return list(self._hole(name).domain.values())

    def _hole(self, name: str) -> Hole:
        if name not in self.holes:
            hint = did_you_mean(name, self.holes)
            raise error("E-SPACE", f"{self.name} has no hole {name!r}", help=f"{hint + ' ' if hint else ''}holes: {', '.join(self.holes)}")
        return self.holes[name]

    def families(self) -> list[str]:
        """The holes that choose between named alternatives with knobs of their own, or blocks."""
        holes = {name: hole for name, hole in self.holes.items() if hole.under is None and isinstance(hole.domain, Categorical)}
        return [name for name, hole in holes.items() if self._named(hole)]

    def _named(self, hole: Hole) -> bool:
        above = {one.under[0] for one in self.holes.values() if one.under}
        return hole.name in above and all(isinstance(token, str) for token in hole.domain.values())

    def assign(self, choose) -> dict:
        """Values for all active holes, each by `choose(hole)`; a hole under an alternative is active where that was chosen."""
        values: dict = {}
        for hole in self.holes.values():
            if self.active(hole, values):
                values[hole.name] = choose(hole)
        return values

    @staticmethod
    def active(place, values: dict) -> bool:
        """Whether a hole or unknown exists under these values."""
        return place.under is None or (place.under[0] in values and values[place.under[0]] == place.under[1])

    def suggest(self, trial) -> dict:
        """An assignment by an Optuna trial: one parameter per active hole, under the hole's name."""
        return self.assign(lambda hole: suggest_value(trial, hole))

    def random(self, seed: int, fixed: dict | None = None) -> dict:
        """A uniform assignment, with some holes fixed."""
        rng = random.Random(seed)
        fixed = fixed or {}
        return self.assign(lambda hole: fixed.get(hole.name, rng.choice(hole.domain.values())))

    def default(self, fixed: dict | None = None) -> dict:
        """Every hole at its default, with some fixed. Raises E-SPACE for an unknown hole or a value outside its domain."""
        fixed = fixed or {}
        for name, token in fixed.items():
            self.check(name, token)
        values = self.assign(lambda hole: fixed.get(hole.name, hole.default))
        unused = [name for name in fixed if name not in values]
        if unused:
            raise BlockspaceError(*(inactive_mistake(self.holes[name]) for name in unused))
        return {name: token for name, token in values.items() if token in self.holes[name].domain}

    def check(self, name: str, token) -> None:
        """Raises E-SPACE for an unknown hole or a value outside its domain."""
        hole = self._hole(name)
        if token not in hole.domain:
            raise BlockspaceError(outside_domain_mistake(hole, token))

    def sample(self, source) -> Graph:
        """The graph of an assignment drawn by an Optuna trial, or by an integer seed; unknowns stay at their defaults."""
        values = self.random(source) if isinstance(source, int) else self.suggest(source)
        return self.graph(values)

    def graph(self, values: dict | None = None) -> Graph:
        """The network with its holes filled as `values` says."""
        return self.network.graph(values=values)

    def label(self, values: dict) -> str:
        """A short human name of an assignment: `hs-s5-b16-r2.2.3`."""
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


def suggest_value(trial, hole: Hole):
    """One Optuna suggestion for one hole."""
    if isinstance(hole.domain, IntRange):
        domain = hole.domain
        return trial.suggest_int(hole.name, domain.low, domain.high, step=domain.step, log=domain.log)
    return trial.suggest_categorical(hole.name, list(hole.domain.tokens))
