"""A block of paths with two layers each is a wide plain block."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Add, BatchNorm, Conv
from blockspace.passes.channelwise import merge_channelwise, ops_per_channel
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import REACH, rule
from blockspace.passes.rules.sum_of_convolutions import find_summands

Path = tuple[Node[Conv], list[Node], Node[Conv]]  # the first layer, what is in between, the last layer


def example() -> Graph:
    """Return a graph on which the rule fires: three paths of two layers with 2, 3 and 2 channels, summed."""
    graph = Graph((4, 5, 5))
    for i, width in enumerate((2, 3, 2)):
        graph.add(Conv(4, width, (3, 3), padding=(1, 1)), "input", name=f"path{i}.a.conv")
        graph.add(BatchNorm(width), f"path{i}.a.conv", name=f"path{i}.a.norm")
        graph.add(OPS["relu"](), f"path{i}.a.norm", name=f"path{i}.a.relu")
        graph.add(Conv(width, 5, (3, 3), padding=(1, 1)), f"path{i}.a.relu", name=f"path{i}.b.conv")
    graph.add(Add(), *(f"path{i}.b.conv" for i in range(3)), name="add")
    return graph


def trace_path(graph: MutableGraph, last: Node[Conv]) -> Path | None:
    """Return the path to a last convolution, each node the only reader of the one before; None when there are not two layers."""
    between: list[Node] = []
    here = graph.source(last)
    while here.op.channelwise and graph.reader(here):
        between.insert(0, here)
        here = graph.source(here)
    return (here, between, last) if has_op(here, Conv) and here.op.groups == 1 and graph.reader(here) else None


@rule("Σ Bᵢ ∗ f(Aᵢ ∗ x) = [B₁ … Bₖ] ∗ f([A₁; …; Aₖ] ∗ x)   for channelwise f", at=Add, rank=REACH, example=example)
def wide_block(graph: MutableGraph, node: Node) -> Match | str:
    """The remark of arXiv:1611.05431 section 3.3: paths of depth two are trivially a wide, dense module, so cardinality is nothing new."""
    rows = [found for group in find_summands(graph, node) for conv in group if (found := trace_path(graph, conv))]
    same: dict[tuple[object, ...], list[Path]] = {}
    for first, between, last in rows:
        key = (first.inputs, replace(first.op, out_channels=1), ops_per_channel(between), replace(last.op, in_channels=1))
        same.setdefault(key, []).append((first, between, last))
    rows = max(same.values(), key=len, default=[])
    if len(rows) < 2:
        return "no two summands are paths of two dense convolutions from one value, alike but for their width"
    firsts, lasts = [first for first, _, _ in rows], [last for _, _, last in rows]
    match = Match(graph)
    width = sum(first.op.out_channels for first in firsts)
    value = match.add(replace(firsts[0].op, out_channels=width), *firsts[0].inputs, of=firsts)
    match.stack(value, firsts)
    for column in zip(*(between for _, between, _ in rows)):
        value = merge_channelwise(match, column, value)
    whole = match.add(replace(lasts[0].op, in_channels=width), value, of=lasts)
    match.stack(whole, lasts, {"weight": 1})
    rest = [name for name in node.inputs if name not in {last.name for last in lasts}]
    if not rest:
        return match.put(node, whole)
    match.add(Add(), *rest, whole, of=[node], same=True)
    return match
