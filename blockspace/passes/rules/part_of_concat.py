"""A part of a concat that lies inside one of its inputs is a part of that input."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Concat, Conv, Part
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 6, (1, 1)), "input", name="a")
    graph.add(Conv(4, 6, (3, 3), padding=(1, 1)), "input", name="b")
    graph.add(Concat(), "a", "b", name="concat")
    graph.add(Part(6, 12), "concat", name="second")
    graph.add(Part(1, 3), "concat", name="within")
    graph.add(Concat(), "second", "within", name="out")
    return graph


@rule("[x₁; x₂][a:b] = x₁[a:b]   where b ≤ C₁ (and so for x₂)", at=Part, rank=TIDY, example=example)
def part_of_concat(graph: MutableGraph, node: Node[Part]) -> Match | str:
    """The slice no longer waits for the concat, which may go."""
    concat = graph.source(node)
    if not isinstance(concat.op, Concat):
        return f"it reads {concat.name}, which is not a concat"
    at = 0
    for inner in graph.inputs(concat):
        start, stop = node.op.start - at, node.op.stop - at
        at += inner.shape[0]
        if 0 <= start and stop <= inner.shape[0]:
            match = Match(graph)
            if (start, stop) == (0, inner.shape[0]):
                return match.put(node, inner.name)
            match.add(Part(start, stop), inner.name, of=[node], same=True)
            return match
    return f"it spans several inputs of {concat.name}"
