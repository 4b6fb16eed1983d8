"""Count macs: multiply-accumulates of convolution and linear at batch 1, and nothing else.

`flops = 2 * macs`, torch's counter; most papers' "FLOPs" are our macs.
"""

from __future__ import annotations

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph


@register_cost(
    "macs", place=2, title="multiply-accumulates at batch 1", unit="macs", doc="Multiply-accumulates of convolution and linear at batch 1."
)
def count_macs(graph: Graph) -> dict[str, int]:
    """Return the multiply-accumulates of convolution and linear at batch 1, by node name."""
    return {node.name: node.op.macs(node.shape) for node in graph}
