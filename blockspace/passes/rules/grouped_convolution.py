"""Convolutions of neighbouring parts, concatenated, are one grouped convolution; of single channels, a depthwise one."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import Concat, Conv, Part
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import GROUP, rule


def example() -> Graph:
    """Return three parts of two channels, the last by a convolution that is grouped itself, and a part that is not convolved."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 10, (1, 1)), "input", name="first")
    for i, groups in enumerate((1, 1, 2)):
        graph.add(Part(2 * i, 2 * i + 2 * groups), "first", name=f"b{i}.part")
        graph.add(Conv(2 * groups, 3 * groups, (3, 3), padding=(1, 1), groups=groups), f"b{i}.part", name=f"b{i}.conv")
    graph.add(Part(8, 10), "first", name="rest")
    graph.add(Concat(), "rest", "b0.conv", "b1.conv", "b2.conv", name="concat")
    return graph


def continues_group(graph: MutableGraph, a: Node, b: Node) -> bool:
    """Return whether b convolves the channels behind those of a, alike, in groups of the same size, and both are read once."""
    if not (isinstance(a.op, Conv) and isinstance(b.op, Conv) and graph.reader(a) and graph.reader(b)):
        return False
    before, after = graph.source(a), graph.source(b)
    if not (isinstance(before.op, Part) and isinstance(after.op, Part)):
        return False
    return before.inputs == after.inputs and before.op.stop == after.op.start and per_group(a.op) == per_group(b.op)


def per_group(op: Conv) -> Conv:
    """Return the convolution of one group."""
    return replace(op, in_channels=op.in_channels // op.groups, out_channels=op.out_channels // op.groups, groups=1)


@rule("[W₁ ∗ x[0:d]; …; Wₖ ∗ x[(k-1)d:kd]] = W ∗ₖ x   with W = [W₁; …; Wₖ] in k groups", at=Concat, rank=GROUP, example=example)
def grouped_convolution(graph: MutableGraph, node: Node) -> Match | str:
    """ResNeXt's form (b) becomes form (c) (arXiv:1611.05431 figure 3). Convolutions that are grouped themselves count as several."""
    rows: list[list[Node]] = []
    for value in graph.inputs(node):
        if rows and continues_group(graph, rows[-1][-1], value):
            rows[-1].append(value)
        else:
            rows.append([value])
    if len(rows) == len(node.inputs):
        return "no two neighbouring inputs are like convolutions of neighbouring parts of one value, read here alone"
    match = Match(graph)
    inputs = [row[0].name if len(row) == 1 else merge_group(graph, match, row) for row in rows]
    if len(inputs) == 1:
        return match.put(node, inputs[0])
    match.add(Concat(), *inputs, of=[node], same=True)
    return match


def merge_group(graph: MutableGraph, match: Match, row: list[Node]) -> str:
    """Return one convolution for a row of them, on the part that they read together."""
    convs = [conv.op for conv in row if isinstance(conv.op, Conv)]
    parts = [part for conv in row if has_op(part := graph.source(conv), Part)]
    value, start, stop = graph.source(parts[0]), parts[0].op.start, parts[-1].op.stop
    whole = (start, stop) == (0, value.shape[0])
    name = value.name if whole else match.add(Part(start, stop), value.name, of=parts, last="part")
    groups, outputs = sum(conv.groups for conv in convs), sum(conv.out_channels for conv in convs)
    conv = match.add(replace(convs[0], in_channels=stop - start, out_channels=outputs, groups=groups), name, of=row)
    match.stack(conv, row)
    return conv
