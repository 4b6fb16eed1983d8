"""A shuffle before a stride moves behind it, where there is less to move."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import ChannelShuffle, Conv, count_elements
from blockspace.passes.channel_tracking import keeps_channels, move_channels
from blockspace.passes.match import Match, tensor_of
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import REACH, rule
from blockspace.passes.weight_map import GatherExpr


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 6, 6))
    graph.add(Conv(4, 12, (1, 1), groups=2), "input", name="a")
    graph.add(ChannelShuffle(2), "a", name="shuffle")
    graph.add(Conv(12, 12, (3, 3), (2, 2), (1, 1), groups=12, bias=True), "shuffle", name="depthwise")
    graph.add(Conv(12, 6, (1, 1), groups=2), "depthwise", name="b")
    return graph


@rule("f(π x) = π f'(x)   where f is depthwise or channelwise and makes the map smaller", at=ChannelShuffle, rank=REACH, example=example,
      pipeline="deploy", crosses=True)  # fmt: skip
def shuffle_after_window(graph: MutableGraph, node: Node[ChannelShuffle]) -> Match | str:
    """Between grouped convolutions a shuffle must stay (each group reads from all): at stride 2 it then moves a quarter of the numbers."""
    reader = graph.reader(node)
    if reader is None or not keeps_channels(reader) or count_elements(reader.shape) >= count_elements(node.shape) or len(reader.shape) != 3:
        return "it is not read by one channelwise operation alone that makes the map smaller"
    channels = node.shape[0]
    order = [c for _, c in move_channels(node.op, [[("", c) for c in range(channels)]])]
    back = tuple(sorted(range(channels), key=order.__getitem__))
    match = Match(graph)
    name = match.add(reader.op, *node.inputs, of=[reader], same=True)
    for key, size in reader.op.tensors().items():
        match.weights[f"{name}.{key}"] = GatherExpr(tensor_of(reader, key), 0, back) if size else tensor_of(reader, key)
    return match.put(reader, match.add(node.op, name, of=[node]))
