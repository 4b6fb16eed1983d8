"""Functions that map nothing to nothing."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Activation, Add, AvgPool, Conv, Mul, Op, Scale, Zero
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule

KEEP_ZERO = frozenset("relu relu6 silu gelu leaky_relu elu mish hardswish tanh channel_shuffle".split())


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    graph.add(Zero(), "conv", name="none")
    graph.add(OPS["relu"](), "none", name="relu")
    graph.add(AvgPool((3, 3), padding=(1, 1)), "relu", name="pool")
    graph.add(Scale(4, 0.5), "pool", name="scale")
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1)), "scale", name="idle")
    graph.add(Mul(), "input", "idle", name="mul")
    graph.add(Zero(), "mul", name="again")
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1)), "conv", name="other")
    graph.add(Add(), "other", "again", name="add")
    return graph


def keeps_zero(op: Op) -> bool:
    """Return whether the op of nothing but zeros is zeros."""
    if isinstance(op, Conv):
        return not op.bias
    return isinstance(op, (Mul, Scale, AvgPool, Zero)) or isinstance(op, Activation) and op.name in KEEP_ZERO or op.name in KEEP_ZERO


@rule("f(0) = 0, and 0·x = 0", at=Op, rank=TIDY, example=example)
def zero_through(graph: MutableGraph, node: Node) -> Match | str:
    """What follows `none` up to the next sum is `none`, where it has the same shape; weights on the way have no gradient and go."""
    zeros = [other for other in graph.inputs(node) if isinstance(other.op, Zero)]
    if not zeros:
        return "none of its inputs is zero"
    if not keeps_zero(node.op):
        return f"{node.op.name} does not map zeros to zeros"
    found = next((zero for zero in zeros if zero.shape == node.shape), None)
    if found is None:
        return f"zeros of another shape than {node.name}"
    return Match(graph).put(node, found.name)
