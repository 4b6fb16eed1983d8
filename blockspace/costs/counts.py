"""Costs that each operator counts of itself, and a graph sums: params, macs, acts and bytes.

Macs are multiply-accumulates and nothing else: `flops = 2 * macs`, torch's counter; most papers' "FLOPs" are our macs. Acts are the
activations of pycls (arXiv:2003.13678 section 3). Bytes are the memory access cost, the MAC of ShuffleNetV2 (arXiv:1807.11164 section 2),
in float32: a node reads its inputs and its weights (of a batch norm also the running mean and variance) and writes its output, each
element once. For a 1x1 convolution of c1 to c2 channels on h x w positions these are hw(c1 + c2) + c1 c2 elements, and at equal macs they
are fewest where c1 = c2 (guideline G1). Views move nothing: parts of a split, flatten, identity, dropout in eval. A merge of n values is
a chain of n - 1 calls, whose results in between are written and read again. Caches are not modelled: bytes are not a time.
"""

from __future__ import annotations

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph


@register_cost("params", place=1, title="trainable parameters", unit="params", doc="Trainable elements.")
def count_params(graph: Graph) -> dict[str, int]:
    """Return the trainable elements, by node name: affine scales of norms and biases are among them."""
    return {node.name: node.op.params() for node in graph}


@register_cost(
    "macs", place=2, title="multiply-accumulates at batch 1", unit="macs", doc="Multiply-accumulates of convolution and linear at batch 1."
)
def count_macs(graph: Graph) -> dict[str, int]:
    """Return the multiply-accumulates of convolution and linear at batch 1, by node name."""
    return {node.name: node.op.macs(node.shape) for node in graph}


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
