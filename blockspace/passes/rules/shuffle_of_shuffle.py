"""Two channel shuffles in a row are one, or none."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import ChannelShuffle, Conv
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires: of 24 channels, 2 then 3 is 6; then 4 is 24, the identity."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 24, (1, 1)), "input", name="conv")
    for groups in (2, 3, 4, 3, 2):
        graph.add(ChannelShuffle(groups), graph.output, name=f"shuffle{len(graph)}")
    return graph


@rule("shuffle g: y[p] = x[p C/g mod (C-1)], so shuffle g ∘ shuffle h = shuffle k   where C/g C/h ≡ C/k", at=ChannelShuffle, rank=TIDY,
      example=example)  # fmt: skip
def shuffle_of_shuffle(graph: MutableGraph, node: Node[ChannelShuffle]) -> Match | str:
    """A perfect shuffle multiplies positions by C/g modulo C - 1 (the last channel stays), so two of them multiply."""
    first, channels = graph.source(node), node.shape[0]
    if not isinstance(first.op, ChannelShuffle):
        return f"it reads {first.name}, which is not a shuffle"
    step = channels // first.op.groups * (channels // node.op.groups) % (channels - 1)
    groups = next((g for g in range(1, channels + 1) if channels % g == 0 and channels // g % (channels - 1) == step), None)
    if groups is None:
        return f"shuffles of {first.op.groups} and {node.op.groups} groups do not make one"
    match = Match(graph)
    match.add(ChannelShuffle(groups), *first.inputs, of=[node], same=True)
    return match
