"""Convolutions of one value with one window are one convolution, split: ResNeXt's first layer, Inception's reductions."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, BatchNorm, Concat, Conv, MaxPool, Op, Part
from blockspace.passes.channelwise import chain, kinds
from blockspace.passes.draft import Draft, holds
from blockspace.passes.match import Match
from blockspace.passes.places import by_reader
from blockspace.passes.rule import GROUP, rule


def example() -> Graph:
    """Of four convolutions two are alike in all: the others have another window, or no norm."""
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


def alike(graph: Draft, node: Node) -> list[Node[Conv]]:
    """The most readers that are dense convolutions of one window, followed by the same channelwise operations; none is split already."""
    readers = [conv for conv in graph.readers_of(node) if holds(conv, Conv) and conv.op.groups == 1 and not is_split(graph, conv)]
    if len(readers) < 2:
        return readers
    groups: dict[tuple, list[Node[Conv]]] = {}
    for conv in readers:
        op: Op = replace(conv.op, out_channels=1)
        groups.setdefault((op, kinds(chain(graph, conv))), []).append(conv)
    return max(groups.items(), key=lambda item: (len(item[1]), repr(item[0])))[1]


def is_split(graph: Draft, node: Node) -> bool:
    """Whether nothing but parts of it are read."""
    return graph.uses(node) > 0 and all(isinstance(reader.op, Part) for reader in graph.readers_of(node)) and node.name != graph.output


@rule("W₁ ∗ x, …, Wₖ ∗ x = y[0:c₁], …   with y = [W₁; …; Wₖ] ∗ x", at=Op, rank=GROUP, example=example)
def parallel_convolutions(graph: Draft, node: Node) -> Match | str:
    """Looks at a value. What follows the convolutions must be alike: then norm and activation merge too, and no relu waits for a slice."""
    convs = by_reader(graph, alike(graph, node))
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
