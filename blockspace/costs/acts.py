"""Count acts: elements that convolution and linear write (the activations of pycls, arXiv:2003.13678 section 3)."""

from __future__ import annotations

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph


@register_cost(
    "acts",
    place=3,
    title="activations of convolutions and linear layers",
    unit="acts",
    doc="Elements of convolution and linear outputs at batch 1.",
)
def count_acts(graph: Graph) -> dict[str, int]:
    """Return the elements of convolution and linear outputs at batch 1, by node name."""
    return {node.name: node.op.acts(node.shape) for node in graph}
