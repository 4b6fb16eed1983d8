"""Params: trainable elements, affine scales of norms and biases included."""

from __future__ import annotations

from blockspace.costs.quantity import register
from blockspace.graph import Graph


@register("params", place=1)
def params(graph: Graph) -> dict[str, int]:
    """Trainable elements."""
    return {node.name: node.op.params() for node in graph}
