"""Dot: a graph as the text that graphviz and its kin read."""

from __future__ import annotations

from blockspace.drawing.flat import flat
from blockspace.drawing.units import Level, Unit
from blockspace.graph import Graph

SHAPES = {
    "input": "oval", "output": "oval", "split": "trapezium", "concat": "invtrapezium", "copy": "diamond", "join": "circle",
    "transform": "box",
}  # fmt: skip


def to_dot(graph: Graph) -> str:
    """The graph as dot text: one node a step, blocks as clusters, channels at edges."""
    found = flat(graph)
    lines = [f"digraph {quoted(graph.name)} {{", "  node [fontname=Helvetica];", *nodes(found.level, found.ids, 1)]
    lines += [f'  {found.ids[a]} -> {found.ids[b]} [label="{value.shape[0]}"];' for a, b, value in found.links]
    return "\n".join([*lines, "}"]) + "\n"


def nodes(level: Level, ids: dict[Unit, str], depth: int) -> list[str]:
    """The nodes of a level, blocks as clusters."""
    lines, indent = [], "  " * depth
    for unit in level.units:
        if unit.level is None:
            text = "\n".join(filter(None, (unit.label, unit.note)))
            lines.append(f"{indent}{ids[unit]} [shape={SHAPES[unit.kind]}, label={quoted(text)}];")
        else:
            lines.append(f"{indent}subgraph {quoted(f'cluster_{unit.name}')} {{")
            lines += [f"{indent}  label={quoted(unit.label)};", *nodes(unit.level, ids, depth + 1), f"{indent}}}"]
    return lines


def quoted(text: str) -> str:
    """A text in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
