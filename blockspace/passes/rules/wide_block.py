"""A block of paths with two layers each is a wide plain block."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Add, BatchNorm, Conv
from blockspace.passes.channelwise import kinds, merged
from blockspace.passes.draft import Draft
from blockspace.passes.match import Match
from blockspace.passes.rule import REACH, rule
from blockspace.passes.rules.sum_of_convolutions import summands


def example() -> Graph:
    """Three paths of two layers with 2, 3 and 2 channels, summed."""
    graph = Graph((4, 5, 5))
    for i, width in enumerate((2, 3, 2)):
        graph.add(Conv(4, width, (3, 3), padding=(1, 1)), "input", name=f"path{i}.a.conv")
        graph.add(BatchNorm(width), f"path{i}.a.conv", name=f"path{i}.a.norm")
        graph.add(OPS["relu"](), f"path{i}.a.norm", name=f"path{i}.a.relu")
        graph.add(Conv(width, 5, (3, 3), padding=(1, 1)), f"path{i}.a.relu", name=f"path{i}.b.conv")
    graph.add(Add(), *(f"path{i}.b.conv" for i in range(3)), name="add")
    return graph


def path(graph: Draft, last: Node) -> list[Node]:
    """From the first convolution to the last, each the only reader of the one before; empty when there are not two layers."""
    found = [last]
    while (here := graph.source(found[0])).op.channelwise and graph.reader(here):
        found.insert(0, here)
    first = here.op
    dense = isinstance(first, Conv) and first.groups == 1 and graph.reader(here)
    return [here, *found] if dense else []


@rule("Σ Bᵢ ∗ f(Aᵢ ∗ x) = [B₁ … Bₖ] ∗ f([A₁; …; Aₖ] ∗ x)   for channelwise f", at=Add, rank=REACH, example=example)
def wide_block(graph: Draft, node: Node) -> Match | str:
    """The remark of arXiv:1611.05431 section 3.3: paths of depth two are trivially a wide, dense module, so cardinality is nothing new."""
    rows = [found for group in summands(graph, node) for conv in group if (found := path(graph, conv))]
    same: dict[tuple, list[list[Node]]] = {}
    for first, *between, last in rows:
        key = (first.inputs, replace(first.op, out_channels=1), kinds(between), replace(last.op, in_channels=1))
        same.setdefault(key, []).append([first, *between, last])
    rows = max(same.values(), key=len, default=[])
    if len(rows) < 2:
        return "no two summands are paths of two dense convolutions from one value, alike but for their width"
    columns = list(zip(*rows))
    match = Match(graph)
    width = sum(first.op.out_channels for first in columns[0])
    value = match.add(replace(rows[0][0].op, out_channels=width), *rows[0][0].inputs, of=columns[0])
    match.stack(value, columns[0])
    for column in columns[1:-1]:
        value = merged(match, column, value)
    whole = match.add(replace(rows[0][-1].op, in_channels=width), value, of=columns[-1])
    match.stack(whole, columns[-1], {"weight": 1})
    rest = [name for name in node.inputs if name not in {row[-1].name for row in rows}]
    if not rest:
        return match.put(node, whole)
    match.add(Add(), *rest, whole, of=[node], same=True)
    return match
