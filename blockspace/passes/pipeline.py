"""The pipelines: columns of named steps, each Graph -> Graph, each true in train and eval for `canonical`."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.graph import Graph
from blockspace.passes.identities import identities

CANONICAL = (identities,)


def canonical(graph: Graph) -> Graph:
    """The form that is searched, trained and saved. Each step's promises are checked: same output shape, and the graph verifies."""
    for rule in CANONICAL:
        after = rule(graph).verify()
        if after.output_shape != graph.output_shape:
            raise error("E-SHAPE", f"the rule {rule.__name__} changed the output shape of {graph.name}")
        graph = after
    return graph
