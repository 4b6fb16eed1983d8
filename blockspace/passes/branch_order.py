"""An order among branches that does not depend on names: where their values go, or where they come from.

Rules that put branches of a commuting merge one after the other need it, so that a graph with its branches exchanged becomes the same one.
They all look at the graph as the rule found it, so that the order in which a rule comes to its places does not count either.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from blockspace.graph import Node, refine_colours, strip_passthrough
from blockspace.ops import Part
from blockspace.passes.mutable_graph import MutableGraph

N = TypeVar("N", bound=Node)


def sort_by_reader(graph: MutableGraph, nodes: Iterable[N]) -> list[N]:
    """Sort nodes by the merge that each reaches through single readers, and its slot there; then by what lies on the way."""
    nodes = list(nodes)
    if len(nodes) < 2:
        return nodes
    found = graph_before_rule(graph, nodes)
    colour = found.colours

    def place(name: str) -> tuple[Any, ...]:
        node = found[name]
        last, here = node, found.reader(node)
        while here is not None and len(here.inputs) == 1:
            last, here = here, found.reader(here)
        if here is None:
            return (colour[last.name], 0, colour[name], graph.place[name])
        slot = 0 if here.op.commutes else here.inputs.index(last.name)
        return (colour[here.name], slot, colour[name], graph.place[name])

    return sorted(nodes, key=lambda node: place(node.name))


def sort_by_source(graph: MutableGraph, nodes: Iterable[N]) -> list[N]:
    """Sort nodes by the value that each comes from through nodes with one input, and its channels; then by what lies on the way."""
    nodes = list(nodes)
    found = graph_before_rule(graph, nodes)
    colour = found.colours

    def place(name: str) -> tuple[Any, ...]:
        here, start = found[name], 0
        while len(here.inputs) == 1 and found.uses(found.source(here)) == 1:
            here = found.source(here)
        if len(here.inputs) == 1:
            start = here.op.start if isinstance(here.op, Part) else 0
            here = found.source(here)
        return (colour[here.name], start, colour[name], graph.place[name])

    return sorted(nodes, key=lambda node: place(node.name))


def graph_before_rule(graph: MutableGraph, needed: Iterable[Node]) -> MutableGraph:
    """Return the graph as the rule at work found it, with the key's colours; as it is now, where nodes that the rule made are needed."""
    if graph.found is None or any(node.name in graph.fresh for node in needed):
        found = graph.snapshot()
        nodes = [found.nodes[name] for name in found.order()]
        own = refine_colours(*strip_passthrough(nodes, found.output))
        found.colours = {node.name: own.get(node.name, 0) for node in nodes}
        graph.found, graph.fresh = found, set()
    return graph.found
