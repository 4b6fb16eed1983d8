"""Cost a graph, in total and per node, each quantity counted when it is first asked for; and the registry of costs.

A cost is one file of this package: a function from a graph to a number per node, registered under the name that budgets, objectives and
tables use. All are counted from shapes in Python integers; nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from blockspace.formatting import count_noun, format_bytes, format_si
from blockspace.graph import Graph
from blockspace.quantities import Quantity, register_quantity

if TYPE_CHECKING:
    from blockspace.graph import GraphLike

PerNode = Callable[[Graph], dict[str, Any]]  # numbers by node name: integers, or a subclass that holds more
Total = Callable[[Iterable[Any]], int]

COSTS: dict[str, CostQuantity] = {}  # in the order of their places

LATENCY = Quantity("latency", "latency, CPU time of one call", "x baseline", decimals=3, kind="cost")  # measured, not counted
register_quantity(LATENCY)


@dataclass(frozen=True, kw_only=True)
class CostQuantity(Quantity):
    """A cost that is counted from a graph.

    Attributes:
        place: its place among the costs.
        per_node: the function that counts it, by node name.
        total: the function that makes the graph's number of the nodes' numbers.
        symbol: the short unit after a number: `B` for bytes, `px` for pixels, empty for counts.
        word: the word after the number in a sentence: `9.188 MiB moved`.
        doc: one sentence that says what is counted, for tables and the schema.
    """

    place: int
    per_node: PerNode = field(repr=False, compare=False)
    total: Total = field(repr=False, compare=False)
    symbol: str = ""
    word: str = ""
    doc: str = ""

    @property
    def additive(self) -> bool:
        """Return whether the total is the sum of the nodes, so that costs of a network's parts add up."""
        return self.is_sum

    def format_amount(self, value: float) -> str:
        """Return the number with its symbol: 45.61M, 9.188 MiB, 427 px."""
        if self.symbol == "B":
            return format_bytes(value)
        return f"{value:,} {self.symbol}" if self.symbol else format_si(value)

    def format_with_unit(self, value: float | None) -> str:
        """Return the number with its symbol and word, `9.188 MiB moved`, or as other quantities: `4.47M macs`; empty for None."""
        return f"{self.format_amount(value)} {self.word}" if self.symbol and value is not None else super().format_with_unit(value)


def register_cost(
    name: str, place: int, title: str, unit: str, doc: str, total: Total = sum, symbol: str = "", word: str = ""
) -> Callable[[PerNode], PerNode]:
    """Return a decorator that registers a function `graph -> {node name: number}` as the cost `name`; `CostQuantity` explains the others.

    Raises TypeError for a name or a place taken twice.
    """

    def register(per_node: PerNode) -> PerNode:
        for other in COSTS.values():
            if name == other.name or place == other.place:
                raise TypeError(f"cost {name!r} at place {place} is registered twice: {other.name!r} is there")
        cost = CostQuantity(
            name, title, unit, kind="cost", is_sum=total is sum, place=place, per_node=per_node, total=total, symbol=symbol,
            word=word or name, doc=doc,
        )  # fmt: skip
        register_quantity(cost)
        costs = sorted([*COSTS.values(), cost], key=lambda quantity: quantity.place)
        COSTS.clear()
        COSTS.update((quantity.name, quantity) for quantity in costs)
        return per_node

    return register


def format_amount(name: str, value: float) -> str:
    """Return a number of the cost `name` with its unit: 45.61M, 9.188 MiB, 427 px; for `latency` a ratio, 1.3x."""
    return COSTS[name].format_amount(value) if name in COSTS else f"{value:.3g}x"


class Counted:
    """Counted costs: the attributes `params`, `macs`, `acts`, ..., one for each of `COSTS`, Python integers."""

    params: int
    macs: int

    @property
    def flops(self) -> int:
        """Return two per multiply-accumulate."""
        return 2 * self.macs

    def as_dict(self) -> dict[str, int]:
        """Return all of them by name."""
        return {name: getattr(self, name) for name in COSTS}

    def __str__(self) -> str:
        others = (f"{quantity.format_amount(getattr(self, name))} {quantity.word}" for name, quantity in COSTS.items() if name != "params")
        return ", ".join([count_noun(self.params, "param"), *others])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class Cost(Counted):
    """The total costs of a graph, and `per_node` by node name.

    `graph` may be a function that builds it when it is needed; `known` are totals counted elsewhere.
    """

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
        """Return one quantity of every node, by node name."""
        if name not in self._counts:
            self._counts[name] = COSTS[name].per_node(self.graph)
        return self._counts[name]

    @cached_property
    def graph(self) -> Graph:
        """Return the graph whose costs these are."""
        return self._source if isinstance(self._source, Graph) else self._source()

    @cached_property
    def per_node(self) -> dict[str, NodeCost]:
        """Return the costs of each node, by node name."""
        return {name: NodeCost(self, name) for name in self.graph.nodes}


class NodeCost(Counted):
    """The costs of one node."""

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
    if not isinstance(graph, Graph):
        from blockspace.graph import as_graph  # here, since most graphs need nothing read

        graph = as_graph(graph)
    return Cost(graph)
