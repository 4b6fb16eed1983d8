"""Neighbouring parts of one value, concatenated in order, are a part of it."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Concat, Conv, Part
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 8, (1, 1)), "input", name="conv")
    for start, stop in ((0, 2), (2, 5), (6, 8)):
        graph.add(Part(start, stop), "conv", name=f"p{start}")
    graph.add(Concat(), "p0", "p2", "p6", "p2", name="concat")
    return graph


@rule("[x[a:b]; x[b:c]] = x[a:c]", at=Concat, rank=TIDY, example=example)
def concat_of_parts(graph: MutableGraph, node: Node) -> Match | str:
    """Splitting and putting together again is nothing."""
    rows: list[list[Node]] = []
    for part in graph.inputs(node):
        last = rows[-1][-1] if rows else None
        if last and touch(last, part):
            rows[-1].append(part)
        else:
            rows.append([part])
    if len(rows) == len(node.inputs):
        return "no two of its inputs are neighbouring parts of one value"
    match = Match(graph)
    inputs = [row[0].name if len(row) == 1 else join_parts(match, row) for row in rows]
    if len(inputs) == 1:
        return match.put(node, inputs[0])
    match.add(Concat(), *inputs, of=[node], same=True)
    return match


def touch(a: Node, b: Node) -> bool:
    """Return whether these are parts of one value, and b begins where a ends."""
    return isinstance(a.op, Part) and isinstance(b.op, Part) and a.inputs == b.inputs and a.op.stop == b.op.start


def join_parts(match: Match, row: list[Node]) -> str:
    """Return touching parts as one."""
    parts = [node.op for node in row if isinstance(node.op, Part)]
    return match.add(Part(parts[0].start, parts[-1].stop), *row[0].inputs, of=row, last="part")
