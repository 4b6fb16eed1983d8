"""Parallel convolutions of one value that are summed, its own copy and norm among them, are one convolution: RepVGG."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blockspace.graph import Graph, Node
from blockspace.ops import POINT, Add, BatchNorm, Conv
from blockspace.passes.affine import AFFINE, Affine, conv_tensors
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import MERGE, rule
from blockspace.passes.weight_map import AddExpr, DiracExpr, PadExpr, WeightExpr


def example() -> Graph:
    """Return a graph on which the rule fires: 3x3, 1x1, norm and identity in groups; beside them a 3x3 of another dilation that stays."""
    graph = Graph((4, 6, 6))
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1), groups=2, bias=True), "input", name="three")
    graph.add(Conv(4, 4, (1, 1), groups=2), "input", name="one")
    graph.add(Conv(4, 4, (3, 3), padding=(2, 2), dilation=(2, 2), groups=2), "input", name="wide")
    graph.add(BatchNorm(4), "input", name="norm")
    graph.add(Add(), "three", "wide", "input", "one", "norm", name="add")
    return graph


@dataclass(frozen=True)
class WindowTerm:
    """A summand s (W ∗ x) + b of a value; a plain copy or a norm has the 1x1 kernel that changes nothing."""

    node: Node
    op: Conv
    weight: WeightExpr
    bias: WeightExpr | None = None


def read_term(graph: MutableGraph, add: Node, node: Node, value: Node, groups: int) -> WindowTerm | None:
    """Return a summand as a convolution of `value` in so many groups; None when it is none that only this sum reads."""
    channels = value.shape[0]
    idle = Conv(channels, channels, *POINT[:3], groups=groups) if channels % groups == 0 else None
    if node is value:
        return WindowTerm(node, idle, DiracExpr(channels, groups)) if idle else None
    if node.kind == "input" or graph.source(node) is not value or graph.reader(node) is not add:
        return None
    if has_op(node, Conv):
        return WindowTerm(node, node.op, *conv_tensors(node))
    if has_op(node, AFFINE) and idle:
        return WindowTerm(node, idle, *Affine.of(node).after(DiracExpr(channels, groups), None))
    return None


def kernel_shift(small: Conv, large: Conv) -> tuple[int, ...] | None:
    """Return where the first tap of a kernel stands in a larger one, `(row, column)`; None when its taps do not fall on that one's."""
    if (small.stride, small.groups, small.out_channels) != (large.stride, large.groups, large.out_channels):
        return None
    found = []
    for k, p, d, wide, padding, step in zip(small.kernel, small.padding, small.dilation, large.kernel, large.padding, large.dilation):
        at, rest = divmod(padding - p, step)
        if rest or at < 0 or at + k > wide or (k > 1 and d != step):
            return None
        found.append(at)
    return tuple(found)


def place_kernel(kernel: WeightExpr, at: tuple[int, ...], window: tuple[int, int]) -> WeightExpr:
    """Return a kernel inside a larger one, zeros around it."""
    for dim, start in enumerate(at, 2):
        after = window[dim - 2] - start - kernel.shape[dim]
        kernel = PadExpr(kernel, dim, start, after) if start or after else kernel
    return kernel


@rule("Σ Wᵢ ∗ x + s x + t = W ∗ x + t   with W = Σ pad(Wᵢ) + pad(s I)", at=Add, rank=MERGE, example=example, pipeline="deploy",
      crosses=True)  # fmt: skip
def parallel_windows(graph: MutableGraph, node: Node) -> Match | str:
    """Kernels over the same positions add up, the smaller padded (arXiv:2101.03697 section 3.3); grouped and depthwise ones too."""
    largest = [conv for conv in graph.inputs(node) if has_op(conv, Conv) and graph.reader(conv) is node]
    for conv in sorted(largest, key=lambda conv: -conv.op.kernel[0] * conv.op.kernel[1]):
        value = graph.source(conv)
        found = {other.name: made for other in graph.inputs(node) if (made := read_term(graph, node, other, value, conv.op.groups))}
        terms = {name: (made, at) for name, made in found.items() if (at := kernel_shift(made.op, conv.op)) is not None}
        if len(terms) > 1 and all(node.inputs.count(name) == 1 for name in terms):
            return sum_terms(graph, node, conv, list(terms.values()))
    return "no two summands are convolutions of one value, or that value, over positions that lie on each other"


def sum_terms(graph: MutableGraph, node: Node, conv: Node[Conv], terms: list[tuple[WindowTerm, tuple[int, ...]]]) -> Match:
    """Return one convolution, under the name of the largest, for all terms, each with where its kernel stands in that one's."""
    match = Match(graph)
    biases = tuple(one.bias for one, _ in terms if one.bias is not None)
    name = match.add(replace(conv.op, bias=bool(biases)), *conv.inputs, of=[conv], same=True)
    match.weights[f"{name}.weight"] = AddExpr(tuple(place_kernel(one.weight, at, conv.op.kernel) for one, at in terms))
    if biases:
        match.weights[f"{name}.bias"] = AddExpr(biases) if len(biases) > 1 else biases[0]
    gone = {one.node.name for one, _ in terms} - {name}
    rest = [source for source in node.inputs if source not in gone]
    if len(rest) == 1:
        return match.put(node, name)
    match.add(Add(), *rest, of=[node], same=True)
    return match
