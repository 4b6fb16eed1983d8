"""An order among branches that does not depend on names: where their values go, or where they come from.

Rules that put branches of a commuting merge one after the other need it, so that a graph with its branches exchanged becomes the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from blockspace.graph import Node, skeleton
from blockspace.graph import colours as coloured
from blockspace.ops import Part
from blockspace.passes.draft import Draft

N = TypeVar("N", bound=Node)


def by_reader(graph: Draft, nodes: Iterable[N]) -> list[N]:
    """Sorted by the merge that each reaches through single readers, and its slot there; then by what lies on the way."""
    nodes = list(nodes)
    if len(nodes) < 2:
        return nodes
    colour = colours(graph, nodes)

    def place(node: Node) -> tuple:
        last: Node = node
        here = graph.reader(node)
        while here is not None and len(here.inputs) == 1:
            last, here = here, graph.reader(here)
        if here is None:
            return (colour.get(last.name, 0), 0, colour.get(node.name, 0), graph.place[node.name])
        slot = 0 if here.op.commutes else here.inputs.index(last.name)
        return (colour.get(here.name, 0), slot, colour.get(node.name, 0), graph.place[node.name])

    return sorted(nodes, key=place)


def by_source(graph: Draft, nodes: Iterable[N]) -> list[N]:
    """Sorted by the value that each comes from through nodes with one input, and the channels of it; then by what lies on the way."""
    nodes = list(nodes)
    colour = colours(graph, nodes)

    def place(node: Node) -> tuple:
        here: Node = node
        start = 0
        while len(here.inputs) == 1 and graph.uses(graph.source(here)) == 1:
            here = graph.source(here)
        if len(here.inputs) == 1:
            start = here.op.start if isinstance(here.op, Part) else 0
            here = graph.source(here)
        return (colour.get(here.name, 0), start, colour.get(node.name, 0), graph.place[node.name])

    return sorted(nodes, key=place)


def colours(graph: Draft, needed: Iterable[Node]) -> dict[str, int]:
    """Colours as of the key; found once for a rule and kept as long as the nodes in question have some."""
    if any(node.name not in graph.colours for node in needed):
        nodes = [graph.nodes[name] for name in graph.order()]
        graph.colours = coloured(*skeleton(nodes, graph.output))
        graph.colours = {node.name: graph.colours.get(node.name, 0) for node in nodes}
    return graph.colours
