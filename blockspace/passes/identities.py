"""identity(x) = x: nodes that only hand a value on are dropped; the copies of a split are among them."""

from __future__ import annotations

from blockspace.graph import Graph


def identities(graph: Graph) -> Graph:
    """The graph without nodes whose op computes nothing. Weights: unchanged, since such nodes have none."""
    return graph.without({node.name for node in graph if node.call is None and node.kind != "input"})
