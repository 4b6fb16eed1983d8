"""Some activations done twice are done once."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Activation, Conv
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule

DONE = {"relu": ("relu", "relu6"), "relu6": ("relu6",)}  # activation -> those after which it does nothing


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    for number, name in enumerate(("relu6", "relu6", "relu")):
        graph.add(OPS[name](), graph.output, name=f"act{number}")
    return graph


@rule("relu(relu(x)) = relu(x); relu6(relu6(x)) = relu6(x) = relu(relu6(x))", at=Activation, rank=TIDY, example=example)
def idempotent(graph: MutableGraph, node: Node) -> Match | str:
    """What cuts off twice cuts off once; the gradients are cut off at the same places."""
    first = graph.source(node)
    if first.op.name not in DONE.get(node.op.name, ()):
        return f"{node.op.name} after {first.op.name} is not {first.op.name}"
    return Match(graph).put(node, first.name)
