"""id(x) = x."""

from __future__ import annotations

from blockspace.graph import Graph, Node, is_passthrough
from blockspace.ops import (
    OPS,
    Add,
    AvgPool,
    ChannelShuffle,
    Concat,
    Conv,
    Copy,
    Dropout,
    DropPath,
    MaxPool,
    Merge,
    Op,
    PadChannels,
    Part,
    Pool,
    Scale,
    Slice,
)
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return every op that may do nothing, doing nothing, around a convolution."""
    graph = Graph((4, 5, 5))
    idle = (
        OPS["identity"](), Copy(), Part(0, 4), Slice(4), PadChannels(4, 4), ChannelShuffle(1), ChannelShuffle(4), MaxPool((1, 1)),
        AvgPool((1, 1)), Scale(4, 1.0), Dropout(0.0), Concat(), Add(),
    )  # fmt: skip
    for number, op in enumerate(idle):
        graph.add(op, graph.output, name=f"idle{number}")
    graph.add(Conv(4, 4, (1, 1)), graph.output, name="conv")
    return graph


def is_identity(graph: MutableGraph, node: Node) -> bool:
    """Return whether the node's value is that of its one input, for every input and in training too."""
    op, channels = node.op, graph.source(node).shape[0]
    if isinstance(op, Merge):
        return len(node.inputs) == 1
    if isinstance(op, (Part, Slice, PadChannels)):
        return node.shape[0] == channels and getattr(op, "start", 0) == 0
    if isinstance(op, ChannelShuffle):
        return op.groups in (1, channels)
    if isinstance(op, Pool):
        return isinstance(op, (MaxPool, AvgPool)) and (op.kernel, op.stride, op.padding) == ((1, 1), (1, 1), (0, 0))
    return isinstance(op, Scale) and op.by == 1 or isinstance(op, (Dropout, DropPath)) and op.p == 0 or is_passthrough(op)


@rule("id(x) = x", at=Op, rank=TIDY, example=example)
def identity(graph: MutableGraph, node: Node) -> Match | str:
    """Copies of a split, parts that are everything, shuffles of one group, windows of one position, sums of one: dropped."""
    if node.kind == "input":
        return "the input is not an operation"
    if not is_identity(graph, node):
        return "it changes its input"
    return Match(graph).put(node, node.inputs[0])
