"""Nothing added is nothing."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Add, Conv, Zero
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    graph.add(Zero(), "input", name="none")
    graph.add(Add(), "conv", "none", name="add")
    return graph


@rule("x + 0 = x", at=Add, rank=TIDY, example=example)
def zero_sum(graph: MutableGraph, node: Node) -> Match | str:
    """Branches without a connection (NAS-Bench-201's `none`) leave the sum; of nothing but such, one stays."""
    kept = [other.name for other in graph.inputs(node) if not isinstance(other.op, Zero)]
    if len(kept) == len(node.inputs):
        return "none of its inputs is zero"
    match = Match(graph)
    if len(kept) < 2:
        return match.put(node, kept[0] if kept else node.inputs[0])
    match.add(Add(), *kept, of=[node], same=True)
    return match
