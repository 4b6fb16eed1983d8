"""Cost: what a graph costs, counted from shapes in Python integers; no torch, nothing allocated.

`params` are trainable elements, BN affine and biases included. `macs` are multiply-accumulates of convolution and linear at batch 1 and
nothing else; `flops = 2 * macs`, torch's counter; most papers' "FLOPs" are our macs. `acts` are elements of convolution and linear outputs
(pycls, arXiv:2003.13678 section 3). What none of them is: a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.graph import Graph

COSTS = ("macs", "params", "acts")


@dataclass(frozen=True)
class Cost:
    """Totals of a graph, or of one node. `per_node` is by node name, empty for a node."""

    params: int = 0
    macs: int = 0
    acts: int = 0
    per_node: dict[str, Cost] | None = None

    @property
    def flops(self) -> int:
        """Two per multiply-accumulate."""
        return 2 * self.macs

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COSTS}

    def __str__(self) -> str:
        return f"{self.params:,} params, {short(self.macs)} macs, {short(self.acts)} acts"


def cost(graph: Graph) -> Cost:
    """What the graph costs at its input shape, in total and per node."""
    per_node = {node.name: Cost(node.op.params(), node.op.macs(node.shape), node.op.acts(node.shape)) for node in graph}
    params, macs, acts = (sum(getattr(c, key) for c in per_node.values()) for key in ("params", "macs", "acts"))
    return Cost(params, macs, acts, per_node)


def short(number: float) -> str:
    """Four significant digits and a unit: 4230479872 is 4.230G."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(number) >= size:
            digits = max(0, 3 - len(str(int(abs(number) / size))) + 1)
            return f"{number / size:.{digits}f}{unit}"
    return f"{number:g}"
