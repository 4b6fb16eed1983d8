"""A concat inside a concat is one concat."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Concat, Conv
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    for name in "abc":
        graph.add(Conv(4, 3, (1, 1)), "input", name=name)
    graph.add(Concat(), "a", "b", name="inner")
    graph.add(Concat(), "inner", "c", name="outer")
    return graph


@rule("[[a; b]; c] = [a; b; c]   where [a; b] is read only here", at=Concat, rank=TIDY, example=example)
def concat_of_concat(graph: MutableGraph, node: Node) -> Match | str:
    """Copies once instead of twice. A concat that others read too stays: DenseNet's layers would otherwise each copy all before them."""
    inner = {other.name: other for other in graph.inputs(node) if isinstance(other.op, Concat) and graph.reader(other)}
    if not inner:
        return "none of its inputs is a concat that is read only here"
    match = Match(graph)
    flat = [deep for name in node.inputs for deep in (inner[name].inputs if name in inner else (name,))]
    match.add(Concat(), *flat, of=[node], same=True)
    return match
