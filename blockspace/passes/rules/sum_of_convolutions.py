"""A sum of convolutions is one convolution of the concatenated inputs: ResNeXt's form (a) becomes form (b)."""

from __future__ import annotations

from dataclasses import replace

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Add, Concat, Conv
from blockspace.passes.branch_order import sort_by_source
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import MERGE, rule


def example() -> Graph:
    """Return a graph on which the rule fires: three of four summands merge, one of them with a bias."""
    graph = Graph((4, 6, 6))
    for i, act in enumerate(("relu", "tanh", "sigmoid", "silu")):
        graph.add(OPS[act](), "input", name=f"{act}.act")
        graph.add(
            Conv(4, 3, (1, 1) if i == 3 else (3, 3), padding=(0, 0) if i == 3 else (1, 1), bias=i == 2), f"{act}.act", name=f"{act}.conv"
        )
    graph.add(Add(), "tanh.conv", "silu.conv", "relu.conv", "sigmoid.conv", name="add")
    return graph


def find_summands(graph: MutableGraph, node: Node) -> list[list[Node[Conv]]]:
    """Return the inputs that are dense convolutions of different values, read here alone: by window and size, the largest group first.

    One convolution may have a bias; where several have one, they stay out: one bias in place of several would learn more slowly.
    """
    groups: dict[tuple[object, ...], dict[str, Node[Conv]]] = {}
    for conv in sorted(graph.inputs(node), key=lambda conv: isinstance(conv.op, Conv) and conv.op.bias):
        if has_op(conv, Conv) and conv.op.groups == 1 and graph.reader(conv) is not None:
            same = (conv.op.kernel, conv.op.stride, conv.op.padding, conv.op.dilation, graph.source(conv).shape[1:])
            groups.setdefault(same, {}).setdefault(conv.inputs[0], conv)
    found = [keep_one_bias(list(group.values())) for _, group in sorted(groups.items())]
    return sorted(found, key=len, reverse=True)


def keep_one_bias(convs: list[Node[Conv]]) -> list[Node[Conv]]:
    """Return the convolutions without those that have a bias, unless it is one."""
    plain = [conv for conv in convs if not conv.op.bias]
    return convs if len(convs) <= len(plain) + 1 else plain


@rule("Σ Wᵢ ∗ xᵢ = [W₁ … Wₖ] ∗ [x₁; …; xₖ]", at=Add, rank=MERGE, example=example)
def sum_of_convolutions(graph: MutableGraph, node: Node) -> Match | str:
    """The kernels stand one after the other along their input channels. arXiv:1611.05431 section 3.4, figure 3 (a) to (b)."""
    convs = next((group for group in find_summands(graph, node) if len(group) > 1), [])
    if not convs:
        return "no two summands are dense convolutions of one window, of different values, read here alone, with one bias at most"
    convs = sort_by_source(graph, convs)
    match = Match(graph)
    inputs = match.add(Concat(), *(conv.inputs[0] for conv in convs), of=[node], last="concat")
    channels = sum(conv.op.in_channels for conv in convs)
    biased = [conv for conv in convs if conv.op.bias]
    whole = match.add(replace(convs[0].op, in_channels=channels, bias=bool(biased)), inputs, of=convs)
    match.stack(whole, convs, {"weight": 1}, {"bias": biased})
    rest = [name for name in node.inputs if name not in {conv.name for conv in convs}]
    if not rest:
        return match.put(node, whole)
    match.add(Add(), *rest, whole, of=[node], same=True)
    return match
