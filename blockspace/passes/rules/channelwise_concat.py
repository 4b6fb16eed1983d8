"""Operations on every channel by itself can be done after the concat: norms with their statistics, activations, scales."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, BatchNorm, Concat, Conv
from blockspace.passes.channelwise import merge_channelwise, op_per_channel
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import WIDEN, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    for i, name in enumerate("ab"):
        graph.add(Conv(4, 3 + i, (1, 1)), "input", name=f"{name}.conv")
        graph.add(BatchNorm(3 + i), f"{name}.conv", name=f"{name}.norm")
        graph.add(OPS["silu"](), f"{name}.norm", name=f"{name}.act")
    graph.add(Concat(), "a.act", "b.act", name="concat")
    return graph


@rule("[f(x₁); …; f(xₖ)] = f([x₁; …; xₖ])   for channelwise f", at=Concat, rank=WIDEN, example=example)
def channelwise_concat(graph: MutableGraph, node: Node) -> Match | str:
    """One wide norm or activation instead of k; then the concat meets the convolutions. The norms' tensors are put one after the other."""
    parts = graph.inputs(node)
    first = op_per_channel(parts[0].op)
    if first is None:
        return f"{parts[0].op.name} is not channelwise"
    if any(op_per_channel(part.op) != first for part in parts):
        return "not all its inputs are by one and the same operation"
    other = next((part for part in parts if graph.reader(part) is None), None)
    if other is not None:
        return f"{other.name} has other readers"
    if any(graph.source(part).shape != part.shape for part in parts):
        return f"{parts[0].op.name} changes the size: concat is cheaper behind it"
    match = Match(graph)
    inner = match.add(Concat(), *(part.inputs[0] for part in parts), of=[node])
    return match.put(node, merge_channelwise(match, parts, inner))
