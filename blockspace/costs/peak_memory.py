"""Peak memory: the most bytes of values alive at once while the compiled network runs, in eval mode, float32, batch 1, without weights.

The network runs in the order that `compile` gives it. A value lives until its last reader is done; the input stays, since the caller holds
it. Views (parts of a split, flatten) and in-place activations share their input's memory, which lives as long as any of them does. While a
call runs, its inputs, its output and what torch allocates beside it (the positions of a max pool) are alive together.

Not counted are weights (4 bytes for each of `params`), and the copies that a convolution library makes for itself while a convolution runs:
they depend on the processor.
"""

from __future__ import annotations

from collections import Counter

from blockspace.costs.quantity import register_cost
from blockspace.graph import Graph, Step, order
from blockspace.ops import FLOAT, Op, Shape, elements


@register_cost(
    "peak_memory", place=5, title="peak memory of activations at batch 1", unit="bytes", total=max, symbol="B", word="peak memory"
)
def peak_memory(graph: Graph) -> dict[str, int]:
    """Most bytes alive at once in eval mode, in float32 at batch 1, without weights."""
    plan = order(graph)
    reads = Counter(name for step in plan.steps for name in step.inputs)
    reads["input"] += 1
    reads[plan.output] += 1
    memory = Memory(reads)
    memory.make("input", graph.input_shape)
    found = dict.fromkeys(graph.nodes, 0)  # what only passes a value through takes no step
    found["input"] = memory.now
    for step in plan.steps:
        node = graph[step.name]
        found[step.name] = highest(step, node.op, node.op.results(graph.shapes(node), node.shape), memory)
    return found


def highest(step: Step, op: Op, results: list[Shape], memory: Memory) -> int:
    """The most bytes alive during one step; its results are made, and the values it was the last to read are gone afterwards."""
    shared = op.view or "inplace" in step.call.kwargs
    most, last = 0, None
    for index, shape in enumerate(results):
        read = step.inputs if len(results) == 1 else [step.inputs[0] if last is None else last, step.inputs[index + 1]]
        last = step.name if index == len(results) - 1 else (step.name, index)
        memory.make(last, shape, within=read[0] if shared else None)
        most = max(most, memory.now + op.scratch(shape))
        for name in read:
            memory.read(name)
    return most


class Memory:
    """Values that are alive: where each lies, how often it is still to be read, and `now`, the bytes of all their memory."""

    def __init__(self, reads: dict):
        self.now, self.reads = 0, reads
        self.place: dict = {}  # value -> the value whose memory it lies in
        self.living: dict = {}  # that value -> how many values lie there, and its bytes

    def make(self, name, shape: Shape, within=None) -> None:
        """A value in memory of its own, or in that of `within`. One that nothing is known to read is read once."""
        self.reads.setdefault(name, 1)
        self.place[name] = place = name if within is None else self.place[within]
        if place == name:
            self.living[name] = [0, FLOAT * elements(shape)]
            self.now += FLOAT * elements(shape)
        self.living[place][0] += 1

    def read(self, name) -> None:
        """One reader is done; after the last the value is gone, and its memory with the last value in it."""
        self.reads[name] -= 1
        if not self.reads[name]:
            here = self.living[self.place[name]]
            here[0] -= 1
            self.now -= 0 if here[0] else here[1]
