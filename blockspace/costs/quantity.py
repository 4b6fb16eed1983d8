"""Quantity: one cost by name - what it counts per node, how the nodes make a total, its unit; and the registry of all of them.

A cost is one file of this package: a function from a graph to a number per node, registered under the name that budgets, objectives and
tables use. All are counted from shapes in Python integers; nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Callable

COSTS: dict[str, Quantity] = {}  # in the order of their places


class Quantity:
    """A cost: `per_node(graph)` counts it by node name, `total` makes the graph's number of the nodes' numbers.

    `unit` is `""` for counts, `"B"` for bytes, `"px"` for pixels; `word` stands after the number in a sentence; `doc` says what it is.
    """

    def __init__(self, name: str, place: int, per_node: Callable, total: Callable, unit: str, word: str):
        self.name, self.place, self.per_node, self.total, self.unit, self.word = name, place, per_node, total, unit, word
        self.doc = (per_node.__doc__ or "").partition("\n")[0]

    @property
    def additive(self) -> bool:
        """Whether the total is the sum of the nodes, so that costs of a network's parts add up."""
        return self.total is sum

    def __repr__(self) -> str:
        return f"<Quantity {self.name}>"


def register(name: str, place: int, total: Callable = sum, unit: str = "", word: str = ""):
    """Decorator for a function `graph -> {node name: number}`: the cost `name`. Raises TypeError for a name or a place taken twice."""

    def add(per_node: Callable) -> Callable:
        for other in COSTS.values():
            if name == other.name or place == other.place:
                raise TypeError(f"cost {name!r} at place {place} is registered twice: {other.name!r} is there")
        found = sorted([*COSTS.values(), Quantity(name, place, per_node, total, unit, word or name)], key=lambda q: q.place)
        COSTS.clear()
        COSTS.update((quantity.name, quantity) for quantity in found)
        return per_node

    return add
