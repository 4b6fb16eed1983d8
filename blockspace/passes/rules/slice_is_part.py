"""slice n = part 0..n: one word for the same."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Conv, Part, Slice
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((6, 5, 5))
    graph.add(Conv(6, 6, (1, 1)), "input", name="conv")
    graph.add(Slice(4), "conv", name="slice")
    return graph


@rule("slice n x = x[0:n]", at=Slice, rank=TIDY, example=example)
def slice_is_part(graph: MutableGraph, node: Node[Slice]) -> Match | str:
    """The first channels of a value are a part of it."""
    match = Match(graph)
    match.add(Part(0, node.op.channels), *node.inputs, of=[node], same=True)
    return match
