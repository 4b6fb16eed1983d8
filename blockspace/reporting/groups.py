"""Groups of networks that are compared: a family's finalists, its random networks, the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy

from blockspace.reporting.answer import ScoredFinalist
from blockspace.reporting.sides import SeedVariance, Side, make_drawn_side, make_given_side, stack_units

Metric = Literal["correct", "log_loss"]


@dataclass(frozen=True, eq=False)
class NetworkGroup:
    """Networks that are averaged. `role` says how they came to be: found by searches, drawn at random, or given (the baseline)."""

    name: str
    role: Literal["found", "random", "given"]
    networks: tuple[ScoredFinalist, ...]

    @property
    def searches(self) -> int:
        """Return how many searches found them; 1 for networks that no search found."""
        return len({network.repeat for network in self.networks}) if self.role == "found" else 1

    def values(self, metric: Metric) -> list[numpy.ndarray]:
        """Return each network's values `(seeds, images)`."""
        return [numpy.asarray(getattr(network, metric), dtype=numpy.float64) for network in self.networks]

    def make_side(self, metric: Metric, seeds: SeedVariance, drawn: bool) -> Side:
        """Return the group as a side: its units drawn (searches, or random networks), or its networks as given."""
        values = self.values(metric)
        if not drawn:
            return make_given_side(values, seeds)
        numbers = [network.repeat if self.role == "found" else place for place, network in enumerate(self.networks)]
        units = stack_units(list(zip(numbers, values)))
        return make_drawn_side(units, seeds, sum(map(len, values)) / len(units))

    def mean_cost(self, cost: str) -> float | None:
        """Return the mean cost; None when one network's is not known."""
        known = [value for network in self.networks if (value := network.costs.get(cost)) is not None]
        return float(numpy.mean(known)) if len(known) == len(self.networks) else None


def group_networks(finalists: Sequence[ScoredFinalist], is_random: bool) -> dict[str, NetworkGroup]:
    """Return the found or the random networks of each family, in the order they first come."""
    families: dict[str, list[ScoredFinalist]] = {}
    for finalist in finalists:
        if finalist.is_random == is_random:
            families.setdefault(finalist.family, []).append(finalist)
    return {name: NetworkGroup(name, "random" if is_random else "found", tuple(found)) for name, found in families.items()}


def count_repeats(finalists: Sequence[ScoredFinalist]) -> dict[str, int]:
    """Return how many searches of each family have finalists."""
    return {name: group.searches for name, group in group_networks(finalists, is_random=False).items()}


def compute_cost_ratio(first: NetworkGroup, second: NetworkGroup, cost: str) -> float | None:
    """Return the first group's mean cost over the second's; None when one of them is not known."""
    here, there = first.mean_cost(cost), second.mean_cost(cost)
    return here / there if here and there else None
