"""Random small graphs, with the patterns that rules look for more often than chance; and the same graph under other names and orders."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from blockspace.graph import Graph, Node
from blockspace.ops import (
    OPS,
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Conv,
    Copy,
    Max,
    MaxPool,
    Mul,
    Op,
    Part,
    Scale,
    Slice,
    Zero,
)  # fmt: skip

ACTS = ("relu", "relu", "relu6", "silu", "sigmoid", "tanh")
SHAPE = (4, 6, 6)


def random_graph(seed: int, size: int = 6, shape: tuple[int, int, int] = SHAPE) -> Graph:
    """Return a graph of `size` random pieces - layers, splits, branches, merges - on an input of this shape; it verifies."""
    return GraphSketch(Random(seed), shape).drawn(size)


class GraphSketch:
    """A random graph while it is drawn: the values so far, and those without readers."""

    def __init__(self, random: Random, shape: tuple[int, int, int]):
        self.random, self.graph = random, Graph(shape, "random")
        self.unread: dict[str, None] = {"input": None}

    def drawn(self, size: int) -> Graph:
        """Return the graph after `size` random pieces."""
        twice: list[Callable[[], object]] = [self.layer, self.split, self.branches]
        pieces = [*twice, *twice, self.pointwise, self.merge, self.idle]
        for _ in range(size):
            self.random.choice(pieces)()
        ends = [self.add(AdaptiveAvgPool(2), name) for name in list(self.unread)]
        if len(ends) > 1:
            self.add(Concat(), *ends)
        return self.graph.verify()

    def add(self, op: Op, *inputs: str) -> str:
        """Add an op and return its name."""
        name = self.graph.add(op, *inputs, name=f"n{len(self.graph)}.{op.name}").name
        for source in inputs:
            self.unread.pop(source, None)
        self.unread[name] = None
        return name

    def value(self) -> str:
        """Return some value, a late one more likely."""
        names = list(self.graph.nodes)
        return self.random.choice(names[-8:] if self.random.random() < 0.7 else names)

    def channels(self, name: str) -> int:
        """Return the channels of a value."""
        return self.graph[name].shape[0]

    # -- pieces ----------------------------------------------------------------------------------------------------------------------

    def conv(self, name: str, out: int, kernel: int, stride: int = 1, bias: bool = False, groups: int = 1) -> str:
        """Add a convolution and return its name."""
        side = (kernel, kernel)
        return self.add(Conv(self.channels(name), out, side, (stride, stride), (kernel // 2,) * 2, (1, 1), groups, bias), name)

    def recipe(self) -> list[tuple[str, int]]:
        """Return a row of layers, to be done to one value or to several alike."""
        draw = self.random
        rows = [[("conv", draw.choice((1, 3)))], [("norm", 0)], [("act", draw.randrange(len(ACTS)))]]
        rows += [[("conv", draw.choice((1, 3))), ("norm", 0), ("act", draw.randrange(len(ACTS)))]] * 2
        return [step for _ in range(draw.choice((1, 1, 2))) for step in draw.choice(rows)]

    def follow(self, name: str, recipe: list[tuple[str, int]], out: int, bias: bool = False) -> str:
        """Return the value after these layers; convolutions give `out` channels."""
        for what, number in recipe:
            if what == "conv":
                name = self.conv(name, out, number, bias=bias)
            elif what == "norm":
                name = self.add(BatchNorm(self.channels(name)), name)
            else:
                name = self.add(OPS[ACTS[number]](), name)
        return name

    def layer(self) -> None:
        """Add a convolution of random window, stride and groups."""
        draw, name = self.random, self.value()
        stride = 2 if draw.random() < 0.15 else 1
        channels = self.channels(name)
        groups = draw.choice([g for g in range(1, channels + 1) if channels % g == 0])
        self.conv(name, groups * draw.randint(1, 2), draw.choice((1, 3)), stride, draw.random() < 0.2, groups)

    def pointwise(self) -> None:
        """Add an activation, a norm, a scale, zeros or a pooling."""
        name = self.value()
        size = self.graph[name].shape[1]
        ops: list[Op] = [OPS[self.random.choice(ACTS)](), BatchNorm(self.channels(name)), Scale(self.channels(name), 0.5), Zero()]
        self.add(self.random.choice(ops + ([MaxPool((3, 3), (1, 1), (1, 1)), AvgPool((3, 3), (1, 1), (1, 1))] if size > 2 else [])), name)

    def idle(self) -> None:
        """Add an op that only moves or hands on channels."""
        name = self.value()
        channels = self.channels(name)
        divisors = [g for g in range(1, channels + 1) if channels % g == 0]
        shuffle = ChannelShuffle(self.random.choice(divisors))
        self.add(self.random.choice([Copy(), OPS["identity"](), shuffle, shuffle, Slice(self.random.randint(1, channels))]), name)

    def split(self) -> None:
        """Add neighbouring parts, done alike or not, and their concat."""
        draw, name = self.random, self.value()
        channels = self.channels(name)
        if channels < 2:
            return
        count = draw.choice([k for k in (2, 2, 3, channels) if k <= channels])
        inner = draw.sample(range(1, channels), count - 1)
        cuts = sorted({0, channels, *(range(0, channels, channels // count) if channels % count == 0 else inner)})
        recipe, out = self.recipe(), draw.randint(1, 3)
        parts = [self.add(Part(a, b), name) for a, b in zip(cuts, cuts[1:])]
        alike = draw.random() < 0.7
        done = [self.follow(part, recipe if alike else self.recipe(), out) if draw.random() < 0.9 else part for part in parts]
        if draw.random() < 0.2:
            draw.shuffle(done)
        self.add(Concat(), *done)

    def branches(self) -> None:
        """Add branches of one value, summed or concatenated."""
        draw, name = self.random, self.value()
        count, out, end = draw.choice((2, 2, 3, 4)), draw.randint(1, 3), draw.randint(1, 4)
        recipe, kernel, widths = self.recipe(), draw.choice((1, 3)), draw.random() < 0.6
        alike, summed = draw.random() < 0.7, draw.random() < 0.6
        ends = []
        for i in range(count):
            start = self.add(Copy(), name) if draw.random() < 0.5 else name
            value = self.follow(start, recipe if alike else self.recipe(), out if widths else out + i, draw.random() < 0.1)
            if summed:
                value = self.conv(value, end, kernel, bias=draw.random() < 0.1)
            ends.append(value)
        if len({self.graph[value].shape[1:] for value in ends}) == 1:
            self.add(Add() if summed else Concat(), *ends)

    def merge(self) -> None:
        """Add a merge of two or three values of one size."""
        draw, first = self.random, self.value()
        size = self.graph[first].shape[1:]
        rivals = [n for n, node in self.graph.nodes.items() if node.shape[1:] == size]
        equal = [n for n in rivals if self.channels(n) == self.channels(first)]
        op = draw.choice((Add(), Add(), Concat(), Max(), Mul()))
        names = rivals if isinstance(op, Concat) else equal
        chosen = [first, *draw.choices(names, k=draw.choice((1, 1, 2)))]
        if sum(map(self.channels, chosen)) <= 24:
            self.add(op, *chosen)


def relabel_graph(graph: Graph, seed: int) -> Graph:
    """Return the same graph: other names, another order of nodes, the inputs of commuting merges exchanged."""
    draw = Random(seed)
    made, names = Graph(graph.input_shape, "relabelled"), {"input": "input"}
    waiting: list[Node] = [node for node in graph if node.kind != "input"]
    while waiting:
        node = draw.choice([node for node in waiting if all(source in names for source in node.inputs)])
        waiting.remove(node)
        inputs = [names[source] for source in node.inputs]
        if node.op.commutes:
            draw.shuffle(inputs)
        names[node.name] = made.add(node.op, *inputs, name=f"x{draw.getrandbits(48):x}").name
    made.output = names[graph.output]
    return made
