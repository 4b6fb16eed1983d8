"""Params: trainable elements, affine scales of norms and biases included."""

from __future__ import annotations

from blockspace.costs.quantity import register_cost
from blockspace.graph import Graph


@register_cost("params", place=1, title="trainable parameters", unit="params")
def params(graph: Graph) -> dict[str, int]:
    """Trainable elements."""
    return {node.name: node.op.params() for node in graph}
