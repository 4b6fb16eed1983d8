"""The same function of the same values is computed once."""

from __future__ import annotations

from functools import lru_cache

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Add, Conv, Merge, Op, Part
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    for i, name in enumerate("ab"):
        graph.add(OPS["relu"](), "input", name=f"relu_{name}")
        graph.add(Part(0, 2), f"relu_{name}", name=f"part_{name}")
        graph.add(Conv(2, 3, (1, 1 + 2 * i), padding=(0, i)), f"part_{name}", name=f"conv_{name}")
    graph.add(Add(), "conv_a", "conv_b", name="add")
    return graph


@lru_cache(maxsize=4096)
def owns_weights_or_draws(op: Op) -> bool:
    """Return whether it has weights, or draws numbers."""
    call = None if isinstance(op, Merge) else op.call()
    return call is not None and call.is_attribute


@rule("f(x), f(x)  →  f(x)   where f has no weights and draws nothing", at=Op, rank=TIDY, example=example)
def common_subexpression(graph: MutableGraph, node: Node) -> Match | str:
    """Looks at a value, and at those of its readers that compute the same. Layers have weights of their own, or draw: not equal."""
    readers = graph.readers_of(node)
    if len(readers) < 2:
        return "it has one reader"
    known: dict[tuple[object, ...], Node] = {}
    match = Match(graph)
    for reader in readers:
        if owns_weights_or_draws(reader.op):
            continue
        same = (reader.op, tuple(sorted(reader.inputs)) if reader.op.commutes else reader.inputs)
        first = known.setdefault(same, reader)
        if first is not reader:
            match.put(reader, first.name)
    return match if match.values else "no two of its readers compute the same without weights"
