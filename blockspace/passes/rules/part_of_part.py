"""A part of a part is a part."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Conv, Part
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 8, (1, 1)), "input", name="conv")
    graph.add(Part(1, 7), "conv", name="outer")
    graph.add(Part(2, 5), "outer", name="inner")
    return graph


@rule("x[a:b][c:d] = x[a+c : a+d]", at=Part, rank=TIDY, example=example)
def part_of_part(graph: MutableGraph, node: Node[Part]) -> Match | str:
    """Reads the channels where they are."""
    outer = graph.source(node)
    if not isinstance(outer.op, Part):
        return f"it reads {outer.name}, which is not a part"
    match = Match(graph)
    match.add(Part(outer.op.start + node.op.start, outer.op.start + node.op.stop), *outer.inputs, of=[node], same=True)
    return match
