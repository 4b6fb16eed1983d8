"""A graph for other tools that lay out by themselves: its steps, its blocks as groups, and the values between steps."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.drawing.units import Level, Unit, levels
from blockspace.graph import Graph, Node


@dataclass
class Flat:
    """`ids` numbers the steps; a link is (source, target, the value between)."""

    level: Level
    ids: dict[Unit, str]
    links: list[tuple[Unit, Unit, Node]]


def flat(graph: Graph) -> Flat:
    """The steps of a graph over all blocks."""
    level = levels(graph)
    steps = list(leaves(level))
    of = {node.name: unit for unit in steps for node in unit.nodes}
    links = []
    for unit in steps:
        for node in unit.nodes:
            links += [(of[name], unit, graph[name]) for name in node.inputs if of[name] is not unit]
            if unit.kind == "split":
                break  # its parts read one value
    links.append((of[graph.output], steps[-1], graph[graph.output]))
    return Flat(level, {unit: f"n{i}" for i, unit in enumerate(steps)}, links)


def leaves(level: Level):
    """The steps of a level and of the blocks in it, in order."""
    for unit in level.units:
        if unit.level is None:
            yield unit
        else:
            yield from leaves(unit.level)
