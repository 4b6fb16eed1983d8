"""Batch norms and scales in front of a convolution go into its weights, where no padding comes between."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import BatchNorm, Conv, Scale
from blockspace.passes.affine import AFFINE, Affine, conv_tensors
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import REACH, rule


def example() -> Graph:
    """Return a scale before a padded depthwise convolution, norms before a grouped one and before one that is padded: that one stays."""
    graph = Graph((4, 7, 7))
    graph.add(Scale(4, "learned"), "input", name="scale")
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1), groups=4), "scale", name="depthwise")
    graph.add(BatchNorm(4), "depthwise", name="norm1")
    graph.add(Conv(4, 6, (3, 3), groups=2, bias=True), "norm1", name="grouped")
    graph.add(BatchNorm(6), "grouped", name="norm2")
    graph.add(Conv(6, 4, (3, 3), padding=(1, 1)), "norm2", name="padded")
    return graph


@rule("W ∗ (s x + t) + b = (W s) ∗ x + (Σ W t + b)   where t = 0 or nothing is padded", at=Conv, rank=REACH, example=example,
      pipeline="deploy", crosses=True)  # fmt: skip
def affine_before_convolution(graph: MutableGraph, node: Node[Conv]) -> Match | str:
    """The sum runs over a whole kernel, but at the border a padded convolution sees zeros where the shift would be: there no bias is it."""
    norm = graph.source(node)
    if not has_op(norm, AFFINE):
        return f"it reads {norm.op.name}, which is neither norm nor scale"
    if graph.reader(norm) is None:
        return f"{norm.name} has other readers"
    affine = Affine.of(norm)
    if affine.shift is not None and any(node.op.padding):
        return f"zeros are padded between {norm.name} and it"
    weight, bias = affine.before(*conv_tensors(node), node.op.groups)
    match = Match(graph)
    name = match.add(replace(node.op, bias=bias is not None), *norm.inputs, of=[node], same=True)
    match.weights[f"{name}.weight"] = weight
    if bias is not None:
        match.weights[f"{name}.bias"] = bias
    return match
