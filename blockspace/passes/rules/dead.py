"""A value without readers need not be computed."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Conv, Op
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="used")
    graph.add(Conv(4, 4, (1, 1)), "input", name="unused")
    graph.output = "used"
    return graph


@rule("y = f(x), x' = g(x)  →  y = f(x)   where nobody reads x'", at=Op, rank=TIDY, example=example)
def dead(graph: MutableGraph, node: Node) -> Match | str:
    """Nodes that the output does not depend on are dropped, their weights with them."""
    if node.kind == "input" or graph.uses(node):
        return "its value is used"
    match = Match(graph)
    match.dropped.append(node.name)
    return match
