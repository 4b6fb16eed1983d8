"""Acts: elements that convolution and linear write (pycls' activations, arXiv:2003.13678 section 3)."""

from __future__ import annotations

from blockspace.costs.quantity import register_cost
from blockspace.graph import Graph


@register_cost("acts", place=3, title="activations of convolutions and linear layers", unit="acts")
def acts(graph: Graph) -> dict[str, int]:
    """Elements of convolution and linear outputs at batch 1."""
    return {node.name: node.op.acts(node.shape) for node in graph}
