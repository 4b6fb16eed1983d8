"""Count peak memory: the most bytes of values alive at once while the compiled network runs, in eval mode, float32, batch 1.

The network runs in the order that `compile` gives it. A value lives until its last reader is done; the input stays, since the caller holds
it. Views (parts of a split, flatten) and in-place activations share their input's memory, which lives as long as any of them does. While a
call runs, its inputs, its output and what torch allocates beside it (the positions of a max pool) are alive together.

Not counted are weights (4 bytes for each of `params`), and the copies that a convolution library makes for itself while a convolution runs:
they depend on the processor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph, Step, order_steps
from blockspace.ops import FLOAT, Op, Shape, count_elements

Value = str | tuple[str, int]  # a node's output, or one of its results in between


@register_cost(
    "peak_memory",
    place=5,
    title="peak memory of activations at batch 1",
    unit="bytes",
    doc="Most bytes alive at once in eval mode, in float32 at batch 1, without weights.",
    total=max,
    symbol="B",
    word="peak memory",
)
def count_peak_memory(graph: Graph) -> dict[str, int]:
    """Return the most bytes of values alive during each node, by node name."""
    plan = order_steps(graph)
    reads: Counter[Value] = Counter(name for step in plan.steps for name in step.inputs)
    reads["input"] += 1
    reads[plan.output] += 1
    memory = LiveMemory(reads)
    memory.allocate("input", graph.input_shape)
    peaks = dict.fromkeys(graph.nodes, 0)  # what only passes a value through takes no step
    peaks["input"] = memory.now
    for step in plan.steps:
        node = graph[step.name]
        peaks[step.name] = find_peak_of_step(step, node.op, node.op.results(graph.shapes(node), node.shape), memory)
    return peaks


def find_peak_of_step(step: Step, op: Op, results: list[Shape], memory: LiveMemory) -> int:
    """Return the most bytes alive during one step. Afterwards `memory` holds its results, without the values it was the last to read."""
    shared = op.view or "inplace" in step.call.kwargs
    most = 0
    last: Value = step.inputs[0]
    for index, shape in enumerate(results):
        read: Sequence[Value] = step.inputs if len(results) == 1 else (last, step.inputs[index + 1])
        last = step.name if index == len(results) - 1 else (step.name, index)
        memory.allocate(last, shape, within=read[0] if shared else None)
        most = max(most, memory.now + op.scratch(shape))
        for value in read:
            memory.read(value)
    return most


class LiveMemory:
    """The values that are alive, and `now`, the bytes of their memory.

    `reads` holds how often each value is still to be read.
    """

    def __init__(self, reads: dict[Value, int]):
        self.now, self.reads = 0, reads
        self.place: dict[Value, Value] = {}  # the value whose memory each lies in
        self.living: dict[Value, list[int]] = {}  # by that value: how many values lie there, and its bytes

    def allocate(self, value: Value, shape: Shape, within: Value | None = None) -> None:
        """Add a value in memory of its own, or in that of `within`. A value without an entry in `reads` is read once."""
        self.reads.setdefault(value, 1)
        self.place[value] = place = value if within is None else self.place[within]
        if place == value:
            self.living[value] = [0, FLOAT * count_elements(shape)]
            self.now += FLOAT * count_elements(shape)
        self.living[place][0] += 1

    def read(self, value: Value) -> None:
        """Count one read; the last one frees the value, and its memory when no other value lies there."""
        self.reads[value] -= 1
        if not self.reads[value]:
            memory = self.living[self.place[value]]
            memory[0] -= 1
            self.now -= 0 if memory[0] else memory[1]
