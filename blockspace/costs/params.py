"""Count params: trainable elements, affine scales of norms and biases included."""

from __future__ import annotations

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph


@register_cost("params", place=1, title="trainable parameters", unit="params", doc="Trainable elements.")
def count_params(graph: Graph) -> dict[str, int]:
    """Return the trainable elements, by node name."""
    return {node.name: node.op.params() for node in graph}
