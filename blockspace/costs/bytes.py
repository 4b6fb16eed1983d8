"""Count bytes: memory access cost, the MAC of ShuffleNetV2 (arXiv:1807.11164 section 2), in float32 at batch 1.

A node reads its inputs and its weights (of a batch norm also the running mean and variance) and writes its output, each element once: for
a 1x1 convolution of c1 to c2 channels on h x w positions these are hw(c1 + c2) + c1 c2 elements, and at equal macs they are fewest where
c1 = c2 (guideline G1). Views move nothing: parts of a split, flatten, identity, dropout in eval. A merge of
n values is a chain of n - 1 calls, whose results in between are written and read again. Caches are not modelled: bytes are not a time.
"""

from __future__ import annotations

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph


@register_cost(
    "bytes",
    place=4,
    title="memory access at batch 1",
    unit="bytes",
    symbol="B",
    word="moved",
    doc="Bytes read and written: inputs, weights and outputs in float32 at batch 1.",
)
def count_bytes(graph: Graph) -> dict[str, int]:
    """Return the bytes read and written in float32 at batch 1, by node name."""
    return {node.name: node.op.bytes(graph.shapes(node), node.shape) for node in graph}
