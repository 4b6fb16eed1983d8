"""Channel shuffles vanish: the order of channels is tracked through the graph, and weights are permuted in place of values."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, BatchNorm, ChannelShuffle, Concat, Conv, Part
from blockspace.passes.channel_tracking import ChannelRange, ChannelTracker, is_dense, keeps_channels, track_channels
from blockspace.passes.match import Match, tensor_of
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import GROUP, rule
from blockspace.passes.weight_map import GatherExpr, WeightExpr


def example() -> Graph:
    """Return units of ShuffleNet v2: half of the channels pass, half are worked on; a norm and a depthwise convolution see them too."""
    graph = Graph((6, 5, 5))
    graph.add(Conv(6, 16, (1, 1)), "input", name="conv")
    for i in range(3):
        graph.add(Part(0, 8), graph.output, name=f"u{i}.skip")
        graph.add(Part(8, 16), graph["u0.skip"].inputs[0] if i == 0 else f"u{i - 1}.shuffle", name=f"u{i}.part")
        graph.add(Conv(8, 8, (1, 1), bias=True), f"u{i}.part", name=f"u{i}.a")
        graph.add(Conv(8, 8, (3, 3), padding=(1, 1), groups=8, bias=True), f"u{i}.a", name=f"u{i}.depthwise")
        graph.add(Conv(8, 8, (1, 1)), f"u{i}.depthwise", name=f"u{i}.b")
        graph.add(OPS["relu"](), f"u{i}.b", name=f"u{i}.relu")
        graph.add(Concat(), f"u{i}.skip", f"u{i}.relu", name=f"u{i}.concat")
        graph.add(ChannelShuffle(2), f"u{i}.concat", name=f"u{i}.shuffle")
    graph.add(Conv(16, 16, (3, 3), padding=(1, 1), groups=16), "u2.shuffle", name="down")
    graph.add(BatchNorm(16), "down", name="norm")
    graph.add(Conv(16, 3, (1, 1)), "norm", name="last")
    return graph


@rule("W ∗ π x = (W π) ∗ x, π (W ∗ x) = (π W) ∗ x, π f(x) = f(π x) for channelwise f", at=ChannelShuffle, rank=GROUP, example=example,
      pipeline="deploy", crosses=True)  # fmt: skip
def channel_order(graph: MutableGraph, node: Node[ChannelShuffle]) -> Match | str:
    """Looks at the whole network: what a reader takes of a value stands together there, so nothing is copied that is not read."""
    first = min((name for name, other in graph.nodes.items() if isinstance(other.op, ChannelShuffle)), key=graph.place.__getitem__)
    if node.name != first:
        return f"{first}, the first shuffle of the network, speaks for all"
    lanes = track_channels(graph)
    if lanes is None:
        return "who reads its channels, or where they come from, needs them in their order"
    match = Match(graph)
    for name in lanes.names:
        reader = graph[name]
        if lanes.moves(reader) or reader.kind == "input":
            continue
        orders = [lanes.reading(reader, source) for source in reader.inputs]
        if lanes.order[name] != list(range(reader.shape[0])) or any(lanes.changed(source) for source in reader.inputs):
            inputs = [collect_channels(match, reader, lanes.pieces(source, order)) for source, order in zip(reader.inputs, orders)]
            match.add(reader.op, *inputs, of=[reader], same=True)
            permute_tensors(match, reader, lanes, orders)
    if lanes.changed(graph.output):
        last = graph[graph.output]
        match.put(last, collect_channels(match, last, lanes.pieces(last.name, range(last.shape[0]))))
    return match


def collect_channels(match: Match, reader: Node, pieces: list[ChannelRange]) -> str:
    """Return the value of these pieces, one after the other."""
    names = []
    for value, start, stop in pieces:
        whole = (start, stop) == (0, match.shape(value)[0])
        names.append(value if whole else match.add(Part(start, stop), value, of=[reader], last="part"))
    return names[0] if len(names) == 1 else match.add(Concat(), *names, of=[reader], last="concat")


def permute_tensors(match: Match, node: Node, lanes: ChannelTracker, orders: list[list[int]]) -> None:
    """Permute the tensors of a node whose channels come, or go, in another order."""
    for key, size in node.op.tensors().items():
        expr: WeightExpr = tensor_of(node, key)
        if is_dense(node.op) and key == "weight":
            expr = gather_channels(expr, 1, orders[0])
        if size and (is_dense(node.op) or keeps_channels(node)):
            expr = gather_channels(expr, 0, lanes.order[node.name])
        match.weights[f"{node.name}.{key}"] = expr


def gather_channels(expr: WeightExpr, dim: int, order: list[int]) -> WeightExpr:
    """Return a tensor with the positions along `dim` in another order."""
    return expr if order == sorted(order) else GatherExpr(expr, dim, tuple(order))
