"""The registry of costs: what each counts per node, how the nodes make a total, and its quantity.

A cost is one file of this package: a function from a graph to a number per node, registered under the name that budgets, objectives and
tables use. All are counted from shapes in Python integers; nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from blockspace.formatting import format_bytes, format_si
from blockspace.graph import Graph
from blockspace.quantities import Quantity, register_quantity

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
        per_node: counts it, by node name.
        total: makes the graph's number of the nodes' numbers.
        symbol: the short unit after a number: `B` for bytes, `px` for pixels, empty for counts.
        word: the word after the number in a sentence: `9.188 MiB moved`.
        doc: says what it is.
    """

    place: int
    per_node: PerNode = field(repr=False, compare=False)
    total: Total = field(repr=False, compare=False)
    symbol: str = ""
    word: str = ""
    doc: str = ""

    @property
    def additive(self) -> bool:
        """Whether the total is the sum of the nodes, so that costs of a network's parts add up."""
        return self.total is sum

    def format_amount(self, value: float) -> str:
        """Return the number with its symbol: 45.61M, 9.188 MiB, 427 px."""
        if self.symbol == "B":
            return format_bytes(value)
        return f"{value:,} {self.symbol}" if self.symbol else format_si(value)


def register_cost(
    name: str, place: int, title: str, unit: str, total: Total = sum, symbol: str = "", word: str = ""
) -> Callable[[PerNode], PerNode]:
    """Return a decorator that registers a function `graph -> {node name: number}` as the cost `name`; its docstring says what it is.

    Raises TypeError for a name or a place taken twice.
    """

    def register(per_node: PerNode) -> PerNode:
        for other in COSTS.values():
            if name == other.name or place == other.place:
                raise TypeError(f"cost {name!r} at place {place} is registered twice: {other.name!r} is there")
        doc = (per_node.__doc__ or "").partition("\n")[0]
        cost = CostQuantity(
            name, title, unit, kind="cost", place=place, per_node=per_node, total=total, symbol=symbol, word=word or name, doc=doc
        )
        register_quantity(cost)
        costs = sorted([*COSTS.values(), cost], key=lambda quantity: quantity.place)
        COSTS.clear()
        COSTS.update((quantity.name, quantity) for quantity in costs)
        return per_node

    return register


def format_amount(name: str, value: float) -> str:
    """Return a number of the cost `name` with its unit: 45.61M, 9.188 MiB, 427 px; for `latency` a ratio, 1.3x."""
    return COSTS[name].format_amount(value) if name in COSTS else f"{value:.3g}x"
