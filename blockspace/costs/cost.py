"""Cost: what a graph costs, in total and per node, each quantity counted when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from blockspace.costs.quantity import COSTS
from blockspace.graph import Graph, GraphLike, as_graph


class Counted:
    """Attributes `params`, `macs`, `acts`, ...: one for each of `COSTS`, a Python integer."""

    params: int
    macs: int

    @property
    def flops(self) -> int:
        """Two per multiply-accumulate."""
        return 2 * self.macs

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return {name: getattr(self, name) for name in COSTS}

    def __str__(self) -> str:
        others = (f"{quantity.format_amount(getattr(self, name))} {quantity.word}" for name, quantity in COSTS.items() if name != "params")
        return ", ".join([f"{self.params:,} params", *others])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class Cost(Counted):
    """Totals of a graph, and `per_node` by node name. `graph` may be a function that makes it; `known` are totals counted elsewhere."""

    def __init__(self, graph: Graph | Callable[[], Graph], known: dict[str, int] | None = None):
        self._source = graph
        self._counts: dict[str, dict[str, int]] = {}
        self.__dict__.update(known or {})

    def __getattr__(self, name: str) -> int:
        if name not in COSTS:
            raise AttributeError(f"no cost {name!r}; there are {', '.join(COSTS)}")
        total = int(COSTS[name].total(self.counts(name).values()))
        self.__dict__[name] = total
        return total

    def counts(self, name: str) -> dict[str, int]:
        """One quantity of every node, by node name."""
        if name not in self._counts:
            self._counts[name] = COSTS[name].per_node(self.graph)
        return self._counts[name]

    @cached_property
    def graph(self) -> Graph:
        return self._source if isinstance(self._source, Graph) else self._source()

    @cached_property
    def per_node(self) -> dict[str, NodeCost]:
        return {name: NodeCost(self, name) for name in self.graph.nodes}


class NodeCost(Counted):
    """What one node costs."""

    def __init__(self, whole: Cost, name: str):
        self._whole, self._name = whole, name

    def __getattr__(self, name: str) -> int:
        if name not in COSTS:
            raise AttributeError(f"no cost {name!r}; there are {', '.join(COSTS)}")
        return self._whole.counts(name)[self._name]


def cost(graph: GraphLike) -> Cost:
    """Return the costs of a graph, or of a networkx DAG, at its input shape, in total and per node.

    Raises BlockspaceError: what `from_nx` raises, E-TYPE for anything that is not a graph.
    """
    return Cost(as_graph(graph))
