"""Ops that do the same to each channel by itself: f([x₁; x₂]) = [f(x₁); f(x₂)]. Rules move them through concat and slice."""

from __future__ import annotations

from collections.abc import Sequence

from blockspace.graph import Node
from blockspace.ops import POINT, Op
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, adapt_op


def op_per_channel(op: Op) -> Op | None:
    """Return the op as it would be for one channel, so that equal kinds can be merged; None when it is not channelwise."""
    return adapt_op(op, (1, 1, 1)) if op.channelwise else None


def channelwise_chain(graph: MutableGraph, node: Node) -> list[Node]:
    """Return the norms, activations and scales that follow one after the other, each the only reader of what is before it."""
    found: list[Node] = []
    after = graph.reader(node)
    while after is not None and after.op.channelwise and after.op.window(after.shape) == POINT:
        found.append(after)
        after = graph.reader(after)
    return found


def ops_per_channel(nodes: Sequence[Node]) -> tuple[Op, ...]:
    """Return the ops of channelwise nodes as they would be for one channel."""
    return tuple(adapt_op(node.op, (1, 1, 1)) for node in nodes)


def merge_channelwise(match: Match, nodes: Sequence[Node], value: str) -> str:
    """Return one node for several of one kind, on `value`, the concat of what they read; its tensors are theirs, one after the other."""
    name = match.add(adapt_op(nodes[0].op, match.shape(value)), value, of=nodes)
    match.stack(name, nodes)
    return name
