"""Convolutions of one value with one window are one convolution, split: ResNeXt's first layer, Inception's reductions."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, BatchNorm, Concat, Conv, MaxPool, Op, Part
from blockspace.passes.branch_order import sort_by_reader
from blockspace.passes.channelwise import channelwise_chain, ops_per_channel
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import GROUP, rule


def example() -> Graph:
    """Return a graph on which the rule fires: of four convolutions two are alike, the others have another window, or no norm."""
    graph = Graph((4, 5, 5))
    for i, name in enumerate("abcd"):
        conv = Conv(4, 3 + i, (1, 1) if i != 2 else (3, 3), padding=(0, 0) if i != 2 else (1, 1))
        graph.add(conv, "input", name=f"{name}.conv")
        if i != 3:
            graph.add(BatchNorm(3 + i), f"{name}.conv", name=f"{name}.norm")
        graph.add(OPS["relu"](), graph.output, name=f"{name}.relu")
        graph.add(MaxPool((3, 1 + 2 * i), padding=(1, i)), graph.output, name=f"{name}.pool")
    graph.add(Concat(), *(f"{name}.pool" for name in "cabd"), name="concat")
    return graph


def are_alike(graph: MutableGraph, node: Node) -> list[Node[Conv]]:
    """Return the most readers that are dense convolutions of one window, followed by the same channelwise operations, none split."""
    readers = [conv for conv in graph.readers_of(node) if has_op(conv, Conv) and conv.op.groups == 1 and not is_split(graph, conv)]
    if len(readers) < 2:
        return readers
    groups: dict[tuple[object, ...], list[Node[Conv]]] = {}
    for conv in readers:
        op: Op = replace(conv.op, out_channels=1)
        groups.setdefault((op, ops_per_channel(channelwise_chain(graph, conv))), []).append(conv)
    return max(groups.items(), key=lambda item: (len(item[1]), repr(item[0])))[1]


def is_split(graph: MutableGraph, node: Node) -> bool:
    """Return whether nothing but parts of it are read."""
    return graph.uses(node) > 0 and all(isinstance(reader.op, Part) for reader in graph.readers_of(node)) and node.name != graph.output


@rule("W₁ ∗ x, …, Wₖ ∗ x = y[0:c₁], …   with y = [W₁; …; Wₖ] ∗ x", at=Op, rank=GROUP, example=example)
def parallel_convolutions(graph: MutableGraph, node: Node) -> Match | str:
    """Looks at a value. What follows the convolutions must be alike: then norm and activation merge too, and no relu waits for a slice."""
    convs = sort_by_reader(graph, are_alike(graph, node))
    if len(convs) < 2:
        return "no two of its readers are dense convolutions of one window, followed by the same norm and activation"
    match = Match(graph)
    whole = match.add(replace(convs[0].op, out_channels=sum(conv.op.out_channels for conv in convs)), node.name, of=convs)
    match.stack(whole, convs)
    start = 0
    for conv in convs:
        stop = start + conv.op.out_channels
        match.put(conv, match.add(Part(start, stop), whole, of=[conv], last="part"))
        start = stop
    return match
