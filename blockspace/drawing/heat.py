"""Heat: each node's share of a cost, for the colour of its box."""

from __future__ import annotations

from collections.abc import Mapping

from blockspace.errors import did_you_mean, error
from blockspace.graph import Graph

COSTS = {
    "macs": lambda node: node.op.macs(node.shape),
    "params": lambda node: node.op.params(),
    "acts": lambda node: node.op.acts(node.shape),
}


class Heat:
    """Shares of a total by node name; `name` says of what, empty for no heat."""

    def __init__(self, graph: Graph, heat: str | Mapping[str, float] | None):
        self.name, found = measured(graph, heat)
        self.total = sum(found.values())
        self.of = {name: cost / self.total for name, cost in found.items()} if self.total else {}

    def share(self, nodes) -> float:
        """The share of nodes together, 0 to 1."""
        return sum(self.of.get(node.name, 0) for node in nodes)


def measured(graph: Graph, heat) -> tuple[str, dict[str, float]]:
    """What the heat shows, and each node's amount. Raises BlockspaceError: E-KEY for a cost or a node that is not known."""
    if heat is None:
        return "", {}
    if isinstance(heat, Mapping):
        unknown = next((name for name in heat if name not in graph.nodes), None)
        if unknown is not None:
            raise error("E-KEY", f"heat: no node {unknown!r}", help=did_you_mean(str(unknown), graph.nodes))
        if min(heat.values(), default=0) < 0:
            raise error("E-TYPE", "heat: amounts are 0 or more")
        return "the given cost", dict(heat)
    if heat not in COSTS:
        raise error("E-KEY", f"no heat {heat!r}", help=did_you_mean(str(heat), COSTS) or f"known: {', '.join(COSTS)}")
    return heat, {node.name: COSTS[heat](node) for node in graph}
