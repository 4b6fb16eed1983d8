"""A sum inside a sum is one sum, and so for maxima."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Add, Conv, Max
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    for i, name in enumerate("abc"):
        graph.add(Conv(4, 3, (1, 1 + 2 * i), padding=(0, i)), "input", name=name)
    graph.add(Add(), "a", "b", name="inner")
    graph.add(Add(), "inner", "c", name="outer")
    graph.add(Max(), "outer", "a", name="max")
    graph.add(Max(), "b", "max", name="top")
    return graph


@rule("(a + b) + c = a + b + c   where a + b is read only here; so for max", at=(Add, Max), rank=TIDY, example=example)
def sum_of_sums(graph: MutableGraph, node: Node) -> Match | str:
    """One merge of all: then its order does not count."""
    inner = {other.name: other for other in graph.inputs(node) if type(other.op) is type(node.op) and graph.reader(other)}
    if not inner:
        return f"none of its inputs is a {node.op.name} that is read only here"
    match = Match(graph)
    flat = [deep for name in node.inputs for deep in (inner[name].inputs if name in inner else (name,))]
    match.add(node.op, *flat, of=[node], same=True)
    return match
