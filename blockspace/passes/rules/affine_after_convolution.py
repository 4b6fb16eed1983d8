"""Batch norms and scales behind convolutions go into their weights, also through concat and split."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, BatchNorm, Concat, Conv, Part, Scale
from blockspace.passes.affine import AFFINE, Affine, conv_tensors
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import REACH, rule

ConvRange = tuple[Node[Conv], int, int]  # a convolution and the range of its output channels


def example() -> Graph:
    """Return a norm and a scale behind a depthwise, a grouped (with bias) and part of a plain convolution; a scale on its rest."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1), groups=4), "input", name="depthwise")
    graph.add(Conv(4, 6, (3, 3), padding=(1, 1), groups=2, bias=True), "input", name="grouped")
    graph.add(Conv(4, 5, (1, 1)), "input", name="plain")
    graph.add(Part(0, 3), "plain", name="first")
    graph.add(Part(3, 5), "plain", name="rest")
    graph.add(Concat(), "depthwise", "grouped", "first", name="concat")
    graph.add(BatchNorm(13, eps=1e-3), "concat", name="norm")
    graph.add(Scale(13, 0.5), "norm", name="half")
    graph.add(OPS["relu"](), "half", name="relu")
    graph.add(Scale(2, "learned"), "rest", name="learned")
    graph.add(Concat(), "relu", "learned", name="out")
    return graph


def trace_channels(graph: MutableGraph, value: Node, start: int, stop: int) -> list[ConvRange] | str:
    """Return the convolutions whose outputs are the channels start:stop of a value that is read for nothing else; or what is in the way."""
    if has_op(value, Conv):
        return [(value, start, stop)]
    if isinstance(value.op, Part):
        source, start, stop = graph.source(value), start + value.op.start, stop + value.op.start
        if graph.output == source.name or any(reads_range(other, start, stop) for other in graph.readers_of(source) if other is not value):
            return f"{source.name} has other readers"
        return trace_channels(graph, source, start, stop)
    if not isinstance(value.op, Concat):
        return f"it follows {value.op.name}, not a convolution"
    found: list[ConvRange] = []
    at = 0
    for inner in graph.inputs(value):
        a, b = max(start, at), min(stop, at + inner.shape[0])
        if a < b:
            more = f"{inner.name} has other readers" if graph.reader(inner) is None else trace_channels(graph, inner, a - at, b - at)
            if isinstance(more, str):
                return more
            found += more
        at += inner.shape[0]
    return found


def reads_range(reader: Node, start: int, stop: int) -> bool:
    """Return whether a reader sees any of these channels."""
    return not (isinstance(reader.op, Part) and (reader.op.stop <= start or stop <= reader.op.start))


@rule("s (W ∗ x + b) + t = (s W) ∗ x + (s b + t); norm: s = γ / √(σ² + ε), t = β - s μ", at=AFFINE, rank=REACH, example=example,
      pipeline="deploy", crosses=True)  # fmt: skip
def affine_after_convolution(graph: MutableGraph, node: Node[BatchNorm | Scale]) -> Match | str:
    """Each output channel has rows of its own in the kernel, in groups too. Of a concat each convolution takes its part of s and t."""
    value = graph.source(node)
    if graph.reader(value) is None:
        return f"{value.name} has other readers"
    found = trace_channels(graph, value, 0, node.shape[0])
    if isinstance(found, str):
        return found
    if len({conv.name for conv, _, _ in found}) < len(found):
        return "a convolution comes in twice"
    match = Match(graph)
    affine, at = Affine.of(node), 0
    for conv, start, stop in found:
        weight, bias = affine.within(start, stop, conv.op.out_channels, at).after(*conv_tensors(conv))
        name = match.add(replace(conv.op, bias=bias is not None), *conv.inputs, of=[conv], same=True)
        match.weights[f"{name}.weight"] = weight
        if bias is not None:
            match.weights[f"{name}.bias"] = bias
        at += stop - start
    return match.put(node, value.name)
